package io.tensorarrow.spark.model.safety;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.google.protobuf.ByteString;
import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.model.UncheckedGraphs;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.assertj.core.api.AbstractStringAssert;
import org.junit.jupiter.api.io.TempDir;
import org.tensorflow.proto.AssetFileDef;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.FunctionDef;
import org.tensorflow.proto.GraphDef;
import org.tensorflow.proto.MetaGraphDef;
import org.tensorflow.proto.NameAttrList;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.proto.OpDef;
import org.tensorflow.proto.SavedModel;
import org.tensorflow.proto.SaverDef;
import org.tensorflow.proto.SignatureDef;
import org.tensorflow.proto.TensorInfo;

/** Builds graphs that hold what the policy looks at, and could not be run. */
abstract class OpPolicyTestBase {
  static final String SERVING = "serving_default";
  static final List<String> OUTPUTS = List.of("y");

  static final NodeDef X = node("x", "Placeholder");

  /** Computes the output from the input and nothing else. */
  static final NodeDef Y = node("y", "Identity", "x");

  /** A function that reads a file, in its node {@code hidden}. */
  static final FunctionDef BAD = function("bad", List.of("a"), node("hidden", "ReadFile", "a"));

  /** A function that is allowed. */
  static final FunctionDef GOOD = function("good", List.of("a"), node("g", "Identity", "a"));

  @TempDir Path dir;

  static NodeDef node(String name, String op, String... inputs) {
    return NodeDef.newBuilder().setName(name).setOp(op).addAllInput(Arrays.asList(inputs)).build();
  }

  /** A node whose attribute names functions, as a list if there are several. */
  static NodeDef call(NodeDef node, String attribute, String... functions) {
    AttrValue.Builder value = AttrValue.newBuilder();
    if (functions.length == 1) {
      value.setFunc(NameAttrList.newBuilder().setName(functions[0]));
    } else {
      for (String function : functions) {
        value.getListBuilder().addFunc(NameAttrList.newBuilder().setName(function));
      }
    }
    return node.toBuilder().putAttr(attribute, value.build()).build();
  }

  static NodeDef text(NodeDef node, String attribute, String value) {
    return node.toBuilder().putAttr(attribute, text(value)).build();
  }

  static AttrValue text(String value) {
    return AttrValue.newBuilder().setS(ByteString.copyFromUtf8(value)).build();
  }

  static FunctionDef function(String name, List<String> arguments, NodeDef... nodes) {
    OpDef.Builder signature = OpDef.newBuilder().setName(name);
    arguments.forEach(
        argument ->
            signature.addInputArg(
                OpDef.ArgDef.newBuilder().setName(argument).setType(DataType.DT_STRING)));
    return FunctionDef.newBuilder()
        .setSignature(signature)
        .addAllNodeDef(Arrays.asList(nodes))
        .build();
  }

  static GraphDef.Builder graph(NodeDef... nodes) {
    return GraphDef.newBuilder().addAllNode(Arrays.asList(nodes));
  }

  static GraphDef.Builder withFunctions(GraphDef.Builder graph, FunctionDef... functions) {
    graph.getLibraryBuilder().addAllFunction(Arrays.asList(functions));
    return graph;
  }

  static TensorInfo tensor(String name) {
    return TensorInfo.newBuilder().setName(name).setDtype(DataType.DT_FLOAT).build();
  }

  static SignatureDef signature(String input, String output) {
    return SignatureDef.newBuilder()
        .putInputs("x", tensor(input))
        .putOutputs("y", tensor(output))
        .build();
  }

  /** A graph whose node {@code y} is computed from {@code x}. */
  static MetaGraphDef.Builder model(GraphDef.Builder graph) {
    MetaGraphDef.Builder model =
        MetaGraphDef.newBuilder()
            .setGraphDef(graph)
            .putSignatureDef(SERVING, signature("x:0", "y:0"));
    model.getMetaInfoDefBuilder().addTags("serve").setTensorflowVersion("2.18.0");
    return model;
  }

  static MetaGraphDef.Builder initialisedBy(MetaGraphDef.Builder model, String node) {
    return model.putSignatureDef(
        "__saved_model_init_op",
        SignatureDef.newBuilder()
            .putOutputs("__saved_model_init_op", TensorInfo.newBuilder().setName(node).build())
            .build());
  }

  static MetaGraphDef.Builder restoredBy(MetaGraphDef.Builder model, String node) {
    return model.setSaverDef(
        SaverDef.newBuilder().setRestoreOpName(node).setFilenameTensorName("checkpoint:0"));
  }

  final MetaGraphDef.Builder withAsset(MetaGraphDef.Builder model, String node) {
    try {
      Files.createDirectories(dir.resolve("model/assets"));
      Files.writeString(dir.resolve("model/assets/words.txt"), "a\n");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return model.addAssetFileDef(
        AssetFileDef.newBuilder()
            .setFilename("words.txt")
            .setTensorInfo(TensorInfo.newBuilder().setName(node + ":0")));
  }

  final Path saved(MetaGraphDef.Builder... graphs) {
    SavedModel.Builder model = SavedModel.newBuilder();
    for (MetaGraphDef.Builder graph : graphs) {
      model.addMetaGraphs(graph);
    }
    try {
      Path directory = Files.createDirectories(dir.resolve("model"));
      Files.write(directory.resolve("saved_model.pb"), model.build().toByteArray());
      return directory;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  final void check(MetaGraphDef.Builder model, String... allowed) {
    UncheckedGraphs.read(saved(model), List.of("serve"))
        .checkOps(List.of(allowed), SERVING, OUTPUTS);
  }

  final void passes(MetaGraphDef.Builder model, String... allowed) {
    assertThatCode(() -> check(model, allowed)).doesNotThrowAnyException();
  }

  final AbstractStringAssert<?> refuses(ErrorCode code, MetaGraphDef.Builder model) {
    TensorArrowException error =
        catchThrowableOfType(TensorArrowException.class, () -> check(model));
    assertThat(error).as("an error").isNotNull();
    assertThat(error.code()).as(error.getMessage()).isEqualTo(code);
    return assertThat(error.getMessage()).contains("Cannot ", ": found ", "; expected ");
  }

  final AbstractStringAssert<?> refuses(MetaGraphDef.Builder model) {
    return refuses(ErrorCode.TA_OP_NOT_ALLOWED, model);
  }
}
