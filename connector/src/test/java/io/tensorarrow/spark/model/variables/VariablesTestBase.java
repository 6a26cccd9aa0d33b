package io.tensorarrow.spark.model.variables;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.model.store.ModelAccess;
import io.tensorarrow.spark.model.store.ModelFiles;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.assertj.core.api.AbstractThrowableAssert;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.io.TempDir;
import org.tensorflow.proto.TensorSliceProto;
import org.tensorflow.proto.TensorSliceProto.Extent;

/** What tests of variables share. */
abstract class VariablesTestBase {
  static final Path ZOO = Path.of("../integration-tests/src/test/resources/zoo");
  static final String VALUE = "/.ATTRIBUTES/VARIABLE_VALUE";
  static final String DATA = "variables/variables.data-00000-of-00001";

  @TempDir Path dir;

  static List<ModelVariable> list(Path model) {
    try (ModelFiles files = ModelFiles.local(model)) {
      return ModelVariables.list(files);
    }
  }

  static byte[] read(Path model, ModelVariable variable) {
    try (VariableReader reader = VariableReader.open(model.toString(), ModelAccess.local())) {
      return reader.read(variable);
    }
  }

  static List<String> names(Path model) {
    return list(model).stream().map(ModelVariable::name).toList();
  }

  static byte[] bytes(int count, long seed) {
    byte[] bytes = new byte[count];
    new Random(seed).nextBytes(bytes);
    return bytes;
  }

  static AbstractThrowableAssert<?, ? extends Throwable> fails(
      ErrorCode code, ThrowingCallable action) {
    return assertThatThrownBy(action)
        .isInstanceOfSatisfying(
            TensorArrowException.class, e -> assertThat(e.code()).isEqualTo(code));
  }

  static TensorSliceProto slice(long[] dims, int cut, long start, long length) {
    TensorSliceProto.Builder slice = TensorSliceProto.newBuilder();
    for (int dim = 0; dim < dims.length; dim++) {
      slice.addExtent(
          dim == cut
              ? Extent.newBuilder().setStart(start).setLength(length).build()
              : Extent.getDefaultInstance());
    }
    return slice.build();
  }
}
