package io.tensorarrow.spark.model.safety;

import static org.assertj.core.api.Assertions.assertThat;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_DeleteBuffer;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_GetAllOpList;

import io.tensorarrow.spark.model.natives.NativeLibraries;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.tensorflow.internal.c_api.TF_Buffer;
import org.tensorflow.proto.OpDef;
import org.tensorflow.proto.OpList;

/**
 * The operations that the graph check knows are those of the bundled TensorFlow. {@code
 * -Dtensorarrow.updateOps=true} writes them anew, for an upgrade of TensorFlow.
 */
class OperationsTest {
  private static final Path RESOURCE =
      Path.of("src/main/resources/io/tensorarrow/spark/model/safety").resolve(Operations.RESOURCE);
  private static final int MAX_BYTES = 150_000;

  @BeforeAll
  static void loadNatives() {
    NativeLibraries.ensureLoaded(Optional.empty());
  }

  @Test
  void definitionsEqualThoseOfBundledTensorFlow() throws IOException {
    OpList operations = nativeOperations();
    if (Boolean.getBoolean("tensorarrow.updateOps")) {
      try (OutputStream file = new GZIPOutputStream(Files.newOutputStream(RESOURCE))) {
        operations.writeTo(file);
      }
      return;
    }
    assertThat(Operations.read())
        .as("operations; run this test with -Dtensorarrow.updateOps=true")
        .isEqualTo(operations);
    assertThat(Files.size(RESOURCE)).isLessThan(MAX_BYTES);
  }

  @Test
  void operationsAreFoundByName() {
    assertThat(Operations.ofTensorFlow().find("MatMul"))
        .hasValueSatisfying(op -> assertThat(op.attributes()).containsKeys("T", "transpose_a"));
    assertThat(Operations.ofTensorFlow().find("MadeUpOperation")).isEmpty();
  }

  private static OpList nativeOperations() throws IOException {
    TF_Buffer buffer = TF_GetAllOpList();
    try {
      List<OpDef> stripped =
          OpList.parseFrom(buffer.dataAsByteBuffer()).getOpList().stream()
              .map(OperationsTest::withoutTexts)
              .sorted(Comparator.comparing(OpDef::getName))
              .toList();
      return OpList.newBuilder().addAllOp(stripped).build();
    } finally {
      TF_DeleteBuffer(buffer);
    }
  }

  private static OpDef withoutTexts(OpDef op) {
    OpDef.Builder builder = op.toBuilder().clearSummary().clearDescription().clearDeprecation();
    builder.getInputArgBuilderList().forEach(OperationsTest::withoutTexts);
    builder.getOutputArgBuilderList().forEach(OperationsTest::withoutTexts);
    builder.getAttrBuilderList().forEach(OpDef.AttrDef.Builder::clearDescription);
    return builder.build();
  }

  private static void withoutTexts(OpDef.ArgDef.Builder argument) {
    argument.clearDescription().clearExperimentalFullType();
  }
}
