package io.tensorarrow.spark.model.safety;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.google.protobuf.ByteString;
import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.testing.BatchModels;
import io.tensorarrow.spark.testing.ControlFlowModels;
import io.tensorarrow.spark.testing.FailingModels;
import io.tensorarrow.spark.testing.TestModels;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.assertj.core.api.AbstractStringAssert;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.CollectionDef;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.FunctionDef;
import org.tensorflow.proto.GradientDef;
import org.tensorflow.proto.GraphDef;
import org.tensorflow.proto.MetaGraphDef;
import org.tensorflow.proto.NameAttrList;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.proto.OpDef;
import org.tensorflow.proto.SavedModel;
import org.tensorflow.proto.SignatureDef;
import org.tensorflow.proto.TensorInfo;
import org.tensorflow.proto.TensorProto;
import org.tensorflow.proto.TensorShapeProto;

class GraphValidatorTest {
  private static final String MODEL = "/models/m";

  @TempDir Path temp;

  @Test
  void tensorFlowGraphsAreAccepted() throws IOException {
    List<Path> models =
        List.of(
            TestModels.scale(temp),
            TestModels.mlp(temp),
            TestModels.kinds(temp),
            TestModels.twoSignatures(temp),
            TestModels.function(temp),
            TestModels.table(temp),
            BatchModels.notBatched(temp),
            BatchModels.wrongBatch(temp),
            FailingModels.failing(temp),
            TestModels.strings(temp),
            BatchModels.fixedBatch(temp),
            FailingModels.unrestored(temp),
            ControlFlowModels.loop(temp),
            ControlFlowModels.branches(temp),
            ControlFlowModels.reference(temp));
    for (Path model : models) {
      assertThatCode(() -> GraphValidator.check(model.toString(), read(model)))
          .doesNotThrowAnyException();
    }
    for (String directory :
        List.of("../examples/models", "../integration-tests/src/test/resources/models")) {
      List<Path> saved = saved(Path.of(directory));
      assertThat(saved).isNotEmpty();
      for (Path model : saved) {
        assertThatCode(() -> GraphValidator.check(model.toString(), read(model)))
            .as(model.toString())
            .doesNotThrowAnyException();
      }
    }
  }

  private static List<Path> saved(Path directory) throws IOException {
    try (Stream<Path> files = Files.walk(directory)) {
      return files.filter(f -> f.endsWith("saved_model.pb")).map(Path::getParent).toList();
    }
  }

  @Test
  void unknownOperationsAreNotReported() throws IOException {
    Path model = FailingModels.unknownOp(temp);
    assertThatCode(() -> GraphValidator.check(model.toString(), read(model)))
        .doesNotThrowAnyException();
  }

  @Test
  void duplicateNamesAreRefused() {
    assertRefused(nodes(x(), x())).contains("two nodes named 'x'", "a name of its own");
    assertRefused(nodes(placeholder(""))).contains("a node named ''");
    assertRefused(nodes(placeholder("a:0"))).contains("a node named 'a:0'");
    assertRefused(nodes(placeholder("^a"))).contains("a node named '^a'");
  }

  @Test
  void refusesInputsThatDoNotExist() {
    assertRefused(nodes(x(), neg("y", "z")))
        .contains("tensor 'z' of a node that does not exist", "at node 'y' (Neg)");
    assertRefused(nodes(x(), neg("y", "x:1")))
        .contains("tensor 'x:1' of a node with 1 outputs", "at node 'y' (Neg)");
    assertRefused(nodes(x(), neg("y", "x", "^z")))
        .contains("control input '^z' from a node that does not exist");
    assertRefused(nodes(x(), neg("y", "^x", "x")))
        .contains("input 'x' after a control input", "control inputs last");
  }

  @Test
  void refusesInputsOfAnotherNumberOrDtype() {
    assertRefused(nodes(x(), neg("y", "x", "x"))).contains("found 2 inputs", "expected 1");
    assertRefused(nodes(x(), neg("y"))).contains("found 0 inputs", "expected 1");
    NodeDef ints = neg("y", "x").toBuilder().putAttr("T", type(DataType.DT_INT32)).build();
    assertRefused(nodes(x(), ints)).contains("input 'x' of DT_FLOAT", "expected DT_INT32");
    NodeDef assign =
        node("y", "Assign", "x", "x").toBuilder().putAttr("T", type(DataType.DT_FLOAT)).build();
    assertRefused(nodes(x(), assign)).contains("input 'x' of DT_FLOAT", "DT_FLOAT_REF");
  }

  @Test
  void refusesCycles() {
    assertRefused(nodes(neg("y", "z"), neg("z", "y"))).contains("depends on itself", "Merge");
    assertRefused(nodes(x(), neg("y", "x", "^y"))).contains("depends on itself", "'y' (Neg)");
  }

  @Test
  void refusesAttributesThatAreNotAsDeclared() {
    assertRefused(nodes(x(), node("y", "Neg", "x"))).contains("no attribute 'T'", "type type");
    assertRefused(with("T", AttrValue.newBuilder().setI(1).build()))
        .contains("attribute 'T' of type int", "expected type type");
    assertRefused(with("T", type(DataType.DT_STRING)))
        .contains("DT_STRING for attribute 'T'", "one of", "DT_FLOAT");
    assertRefused(with("T", type(DataType.DT_FLOAT_REF))).contains("DT_FLOAT_REF for attribute");
    assertRefused(with("T", AttrValue.newBuilder().setTypeValue(99).build()))
        .contains("dtype 99 for attribute 'T'");
    NodeDef split = node("y", "IdentityN", "x").toBuilder().putAttr("T", types()).build();
    assertRefused(nodes(x(), split)).contains("a list of length 0", "at least 1");
    NodeDef unpack =
        node("y", "Unpack", "x").toBuilder()
            .putAttr("T", type(DataType.DT_FLOAT))
            .putAttr("num", AttrValue.newBuilder().setI(1L << 40).build())
            .build();
    assertRefused(nodes(x(), unpack)).contains("1099511627776 tensors by attribute 'num'");
    NodeDef layout =
        node("y", "DepthToSpace", "x").toBuilder()
            .putAttr("T", type(DataType.DT_FLOAT))
            .putAttr("block_size", AttrValue.newBuilder().setI(2).build())
            .putAttr("data_format", text("HCNW"))
            .build();
    assertRefused(nodes(x(), layout)).contains("'HCNW' for attribute 'data_format'", "NHWC, NCHW");
    NodeDef small =
        layout.toBuilder().putAttr("block_size", AttrValue.newBuilder().setI(1).build()).build();
    assertRefused(nodes(x(), small)).contains("the number 1 for attribute 'block_size'", "least 2");
  }

  @Test
  void invalidShapesAreRefused() {
    assertRefused(shaped(shape(-2))).contains("a dimension of -2");
    assertRefused(shaped(shape(1L << 40, 1L << 40))).contains("more elements than fit");
    assertRefused(shaped(shape(1L << 40, -1, 1L << 40))).contains("more elements than fit");
    assertRefused(shaped(shape(new long[300]))).contains("rank 300", "at most 254");
    assertRefused(shaped(shape(1).toBuilder().setUnknownRank(true).build()))
        .contains("unknown rank with 1 dimensions");
  }

  @Test
  void refusesConstantsWhoseValuesDoNotFit() {
    TensorProto floats =
        TensorProto.newBuilder()
            .setDtype(DataType.DT_FLOAT)
            .setTensorShape(shape(2))
            .addFloatVal(1)
            .build();
    assertThatCode(() -> check(constant(floats))).doesNotThrowAnyException();
    assertRefused(constant(floats.toBuilder().setTensorShape(shape(1L << 40)).build()))
        .contains("1099511627776 elements of float32 made of 1 values", "at most 1073741824 bytes");
    assertRefused(constant(floats.toBuilder().addFloatVal(2).addFloatVal(3).build()))
        .contains("3 values for 2 elements");
    assertRefused(
            constant(floats.toBuilder().setTensorContent(ByteString.copyFrom(new byte[7])).build()))
        .contains("7 bytes for 2 elements of float32", "4 bytes for each");
    assertRefused(constant(floats.toBuilder().setTensorShape(shape(-1)).build()))
        .contains("a constant of unknown shape");
    assertRefused(constant(floats.toBuilder().setDtype(DataType.DT_INT32).build()))
        .contains("a value of DT_INT32", "expected DT_FLOAT");
    assertRefused(constant(floats.toBuilder().setDtypeValue(0).build())).contains("DT_INVALID");
  }

  @Test
  void acceptsAFilledConstantWithoutElements() {
    TensorProto none =
        TensorProto.newBuilder()
            .setDtype(DataType.DT_FLOAT)
            .setTensorShape(shape(0))
            .addFloatVal(1)
            .build();
    assertThatCode(() -> check(constant(none))).doesNotThrowAnyException();
  }

  @Test
  void refusesFunctionsWhoseSignaturesDoNotFitTheirBodies() {
    assertRefused(function(f -> f.clearRet())).contains("result 'r' without a value", "'f'");
    assertRefused(function(f -> f.putRet("r", "n:z:0")))
        .contains("tensor 'n:z:0', which does not exist", "in function 'f'");
    assertRefused(function(f -> f.putRet("r", "n:y:1"))).contains("'n:y:1', which does not exist");
    assertRefused(function(f -> f.putControlRet("c", "m")))
        .contains("control result from node 'm', which does not exist");
    assertRefused(function(f -> f.getSignatureBuilder().addControlOutput("c")))
        .contains("control result 'c' without a node");
    assertRefused(
            function(
                f -> f.getSignatureBuilder().getInputArgBuilder(0).setType(DataType.DT_INVALID)))
        .contains("parameter 'a' without dtype", "in function 'f'");
    assertRefused(function(f -> f.putArgAttr(5, FunctionDef.ArgAttrs.getDefaultInstance())))
        .contains("attributes for parameter 5", "from 0 to 0");
    assertRefused(function(f -> f.putResourceArgUniqueId(-1, 0))).contains("parameter -1");
    assertRefused(function(f -> f.getNodeDefBuilder(0).setInput(0, "b")))
        .contains("tensor 'b', which does not exist", "at node 'n' (Neg) in function 'f'");
    assertRefused(function(f -> f.getNodeDefBuilder(0).setName("a")))
        .contains("two parameters or nodes named 'a'");
    assertRefused(function(f -> f.getNodeDefBuilder(0).setInput(0, "n:y:0")))
        .contains("depends on itself", "in function 'f'");
  }

  @Test
  void refusesCallsThatDoNotFitTheirFunctions() {
    assertRefused(
            function(f -> f.getSignatureBuilder().addInputArg(argument("b", DataType.DT_FLOAT))))
        .contains("calls function 'f', which takes DT_FLOAT, DT_FLOAT", "expected DT_FLOAT,");
    assertRefused(
            function(
                f -> f.getSignatureBuilder().getOutputArgBuilder(0).setType(DataType.DT_INT32)))
        .contains("calls function 'f', which gives DT_INT32", "expected DT_FLOAT");
    assertRefused(function(f -> f.getSignatureBuilder().setName("g")))
        .contains("calls function 'f', which does not exist");
    assertRefused(function(f -> f.getSignatureBuilder().setName("")))
        .contains("a function without a name");
  }

  @Test
  void ignoresFunctionsThatNothingCalls() {
    GraphDef.Builder graph = graph(x());
    graph.getLibraryBuilder().addFunction(identity("g").clearRet());
    assertThatCode(() -> check(graph)).doesNotThrowAnyException();
    graph.getLibraryBuilder().addFunction(identity("g"));
    assertRefused(graph).contains("two functions named 'g'");
  }

  @Test
  void gradientsOfMissingFunctionsAreRefused() {
    GraphDef.Builder graph = graph(x());
    graph.getLibraryBuilder().addGradient(GradientDef.newBuilder().setFunctionName("nothing"));
    assertRefused(graph).contains("a gradient of function 'nothing'");
  }

  @Test
  void refusesRecursion() {
    assertRefused(function(f -> f.setNodeDef(0, call("n", "f", "a")).putRet("r", "n:output:0")))
        .contains("function 'f' calls itself");
    GraphDef.Builder mutual = graph(x(), call("y", "f", "x"));
    mutual.getLibraryBuilder().addFunction(calling("f", "g")).addFunction(calling("g", "f"));
    assertRefused(mutual).contains("function 'f' calls itself");
  }

  @Test
  void refusesCallsThatAreTooDeep() {
    GraphDef.Builder deep = graph(x(), call("y", "f0", "x"));
    for (int i = 0; i < 500; i++) {
      deep.getLibraryBuilder().addFunction(calling("f" + i, "f" + (i + 1)));
    }
    deep.getLibraryBuilder().addFunction(identity("f500"));
    assertRefused(deep).contains("nested more than 100 deep");
  }

  @Test
  void refusesFunctionsThatGrowWithoutEnd() {
    GraphDef.Builder graph = graph(x(), call("y", "f0", "x"));
    for (int i = 0; i < 60; i++) {
      String next = "f" + (i + 1);
      graph
          .getLibraryBuilder()
          .addFunction(calling("f" + i, next).addNodeDef(call("again", next, "a")));
    }
    graph.getLibraryBuilder().addFunction(identity("f60"));
    assertRefused(graph).contains("more than 1000000 nodes");
  }

  @Test
  void loopsWithoutBodyAreRefused() {
    NodeDef enter =
        node("enter", "Enter", "a").toBuilder()
            .putAttr("T", type(DataType.DT_FLOAT))
            .putAttr("frame_name", text("loop"))
            .build();
    assertRefused(function(f -> f.addNodeDef(enter)))
        .contains("a loop that is entered and empty", "'enter' (Enter) in function 'f'");

    MetaGraphDef.Builder meta =
        MetaGraphDef.newBuilder()
            .setGraphDef(graph(x(), enter.toBuilder().setInput(0, "x").build()))
            .putCollectionDef(
                "saved_model_main_op",
                CollectionDef.newBuilder()
                    .setNodeList(CollectionDef.NodeList.newBuilder().addValue("enter"))
                    .build());
    assertRefused(meta).contains("only enters a loop", "'enter' (Enter)");
  }

  @Test
  void danglingSignaturesAreRefused() {
    TensorInfo info = TensorInfo.newBuilder().setName("x:3").setDtype(DataType.DT_FLOAT).build();
    assertRefused(signature(info)).contains("tensor 'x:3'", "at signature 's'");
    assertRefused(signature(info.toBuilder().setName("z:0").build()))
        .contains("tensor 'z:0' of a node that does not exist", "at signature 's'");
    assertRefused(
            signature(info.toBuilder().setName("x:0").setTensorShape(shape(new long[300])).build()))
        .contains("rank 300", "at signature 's'");
  }

  @Test
  void invalidVersionsAreRefused() {
    GraphDef.Builder graph = graph(x());
    graph.getVersionsBuilder().setProducer(-1);
    assertRefused(graph).contains("versions -1 and 0");
  }

  @Test
  void longNamesAreCutInMessages() {
    assertRefused(nodes(placeholder("a".repeat(100_000)), placeholder("a".repeat(100_000))))
        .hasSizeLessThan(1000);
  }

  @Test
  void followsLongChainsWithoutRecursion() {
    GraphDef.Builder graph = graph(x());
    for (int i = 0; i < 200_000; i++) {
      graph.addNode(neg("n" + i, i == 0 ? "x" : "n" + (i - 1)));
    }
    assertThatCode(() -> check(graph)).doesNotThrowAnyException();
    graph.setNode(1, neg("n0", "n199999"));
    assertRefused(graph).contains("depends on itself");
  }

  private static void check(GraphDef.Builder graph) {
    GraphValidator.check(MODEL, MetaGraphDef.newBuilder().setGraphDef(graph).build());
  }

  private static AbstractStringAssert<?> assertRefused(GraphDef.Builder graph) {
    return assertRefused(MetaGraphDef.newBuilder().setGraphDef(graph));
  }

  private static AbstractStringAssert<?> assertRefused(MetaGraphDef.Builder meta) {
    TensorArrowException error =
        catchThrowableOfType(
            TensorArrowException.class, () -> GraphValidator.check(MODEL, meta.build()));
    assertThat(error).isNotNull();
    assertThat(error.code()).isEqualTo(ErrorCode.TA_MODEL_UNSAFE_TO_LOAD);
    return assertThat(error.getMessage())
        .startsWith("[TA_MODEL_UNSAFE_TO_LOAD] Cannot load model '/models/m': found ")
        .contains("; expected ");
  }

  private static MetaGraphDef read(Path model) throws IOException {
    return SavedModel.parseFrom(Files.readAllBytes(model.resolve("saved_model.pb")))
        .getMetaGraphs(0);
  }

  private static GraphDef.Builder graph(NodeDef... nodes) {
    return GraphDef.newBuilder().addAllNode(List.of(nodes));
  }

  private static GraphDef.Builder nodes(NodeDef... nodes) {
    return graph(nodes);
  }

  private static NodeDef node(String name, String op, String... inputs) {
    return NodeDef.newBuilder().setName(name).setOp(op).addAllInput(List.of(inputs)).build();
  }

  private static NodeDef placeholder(String name) {
    return node(name, "Placeholder").toBuilder().putAttr("dtype", type(DataType.DT_FLOAT)).build();
  }

  private static NodeDef x() {
    return placeholder("x");
  }

  private static NodeDef neg(String name, String... inputs) {
    return node(name, "Neg", inputs).toBuilder().putAttr("T", type(DataType.DT_FLOAT)).build();
  }

  private static GraphDef.Builder with(String attribute, AttrValue value) {
    return graph(x(), neg("y", "x").toBuilder().putAttr(attribute, value).build());
  }

  private static GraphDef.Builder shaped(TensorShapeProto shape) {
    AttrValue value = AttrValue.newBuilder().setShape(shape).build();
    return graph(x().toBuilder().putAttr("shape", value).build());
  }

  private static GraphDef.Builder constant(TensorProto value) {
    return graph(
        node("c", "Const").toBuilder()
            .putAttr("dtype", type(DataType.DT_FLOAT))
            .putAttr("value", AttrValue.newBuilder().setTensor(value).build())
            .build());
  }

  /** A graph that calls {@code f}, which negates {@code a}; changed as wanted. */
  private static GraphDef.Builder function(Consumer<FunctionDef.Builder> change) {
    FunctionDef.Builder function = identity("f");
    change.accept(function);
    GraphDef.Builder graph = graph(x(), call("y", "f", "x"));
    graph.getLibraryBuilder().addFunction(function);
    return graph;
  }

  private static FunctionDef.Builder identity(String name) {
    return FunctionDef.newBuilder()
        .setSignature(
            OpDef.newBuilder()
                .setName(name)
                .addInputArg(argument("a", DataType.DT_FLOAT))
                .addOutputArg(argument("r", DataType.DT_FLOAT)))
        .addNodeDef(neg("n", "a"))
        .putRet("r", "n:y:0");
  }

  private static FunctionDef.Builder calling(String name, String callee) {
    return identity(name).setNodeDef(0, call("n", callee, "a")).putRet("r", "n:output:0");
  }

  private static NodeDef call(String name, String function, String input) {
    return node(name, "PartitionedCall", input).toBuilder()
        .putAttr("Tin", types(DataType.DT_FLOAT))
        .putAttr("Tout", types(DataType.DT_FLOAT))
        .putAttr(
            "f",
            AttrValue.newBuilder().setFunc(NameAttrList.newBuilder().setName(function)).build())
        .build();
  }

  private static OpDef.ArgDef argument(String name, DataType type) {
    return OpDef.ArgDef.newBuilder().setName(name).setType(type).build();
  }

  private static MetaGraphDef.Builder signature(TensorInfo output) {
    return MetaGraphDef.newBuilder()
        .setGraphDef(graph(x()))
        .putSignatureDef("s", SignatureDef.newBuilder().putOutputs("y", output).build());
  }

  private static AttrValue type(DataType type) {
    return AttrValue.newBuilder().setType(type).build();
  }

  private static AttrValue types(DataType... types) {
    return AttrValue.newBuilder()
        .setList(AttrValue.ListValue.newBuilder().addAllType(List.of(types)))
        .build();
  }

  private static AttrValue text(String value) {
    return AttrValue.newBuilder().setS(ByteString.copyFromUtf8(value)).build();
  }

  private static TensorShapeProto shape(long... dims) {
    TensorShapeProto.Builder shape = TensorShapeProto.newBuilder();
    for (long dim : dims) {
      shape.addDimBuilder().setSize(dim);
    }
    return shape.build();
  }
}
