package io.tensorarrow.spark.model.safety;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.google.protobuf.ByteString;
import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.model.UncheckedGraphs;
import io.tensorarrow.spark.model.savedmodel.SavedModelFile;
import io.tensorarrow.spark.testing.TestModels;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.assertj.core.api.AbstractStringAssert;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.tensorflow.proto.AssetFileDef;
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
import org.tensorflow.proto.SaverDef;
import org.tensorflow.proto.SignatureDef;
import org.tensorflow.proto.TensorInfo;

/** The graphs here hold what the policy looks at, and could not be run. */
class OpPolicyTest {
  private static final String SERVING = "serving_default";
  private static final List<String> Y = List.of("y");

  @TempDir Path dir;

  private static NodeDef node(String name, String op, String... inputs) {
    return NodeDef.newBuilder().setName(name).setOp(op).addAllInput(Arrays.asList(inputs)).build();
  }

  /** A node whose attribute names functions, as a list if there are several. */
  private static NodeDef call(NodeDef node, String attribute, String... functions) {
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

  private static NodeDef text(NodeDef node, String attribute, String value) {
    return node.toBuilder().putAttr(attribute, text(value)).build();
  }

  private static AttrValue text(String value) {
    return AttrValue.newBuilder().setS(ByteString.copyFromUtf8(value)).build();
  }

  private static FunctionDef function(String name, List<String> arguments, NodeDef... nodes) {
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

  private static GraphDef.Builder graph(NodeDef... nodes) {
    return GraphDef.newBuilder().addAllNode(Arrays.asList(nodes));
  }

  private static GraphDef.Builder withFunctions(GraphDef.Builder graph, FunctionDef... functions) {
    graph.getLibraryBuilder().addAllFunction(Arrays.asList(functions));
    return graph;
  }

  private static TensorInfo tensor(String name) {
    return TensorInfo.newBuilder().setName(name).setDtype(DataType.DT_FLOAT).build();
  }

  private static SignatureDef signature(String input, String output) {
    return SignatureDef.newBuilder()
        .putInputs("x", tensor(input))
        .putOutputs("y", tensor(output))
        .build();
  }

  /** A graph whose node {@code y} is computed from {@code x}. */
  private static MetaGraphDef.Builder model(GraphDef.Builder graph) {
    MetaGraphDef.Builder model =
        MetaGraphDef.newBuilder()
            .setGraphDef(graph)
            .putSignatureDef(SERVING, signature("x:0", "y:0"));
    model.getMetaInfoDefBuilder().addTags("serve").setTensorflowVersion("2.18.0");
    return model;
  }

  private static MetaGraphDef.Builder initialisedBy(MetaGraphDef.Builder model, String node) {
    return model.putSignatureDef(
        "__saved_model_init_op",
        SignatureDef.newBuilder()
            .putOutputs("__saved_model_init_op", TensorInfo.newBuilder().setName(node).build())
            .build());
  }

  private static MetaGraphDef.Builder restoredBy(MetaGraphDef.Builder model, String node) {
    return model.setSaverDef(
        SaverDef.newBuilder().setRestoreOpName(node).setFilenameTensorName("checkpoint:0"));
  }

  private MetaGraphDef.Builder withAsset(MetaGraphDef.Builder model, String node) {
    try {
      Files.createDirectories(dir.resolve("model/assets"));
      Files.writeString(dir.resolve("model/assets/words.txt"), "a\n");
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
    return model.addAssetFileDef(
        AssetFileDef.newBuilder()
            .setFilename("words.txt")
            .setTensorInfo(TensorInfo.newBuilder().setName(node + ":0")));
  }

  private Path saved(MetaGraphDef.Builder... graphs) {
    SavedModel.Builder model = SavedModel.newBuilder();
    for (MetaGraphDef.Builder graph : graphs) {
      model.addMetaGraphs(graph);
    }
    try {
      Path directory = Files.createDirectories(dir.resolve("model"));
      Files.write(directory.resolve("saved_model.pb"), model.build().toByteArray());
      return directory;
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  private void check(MetaGraphDef.Builder model, String... allowed) {
    UncheckedGraphs.read(saved(model), List.of("serve")).checkOps(List.of(allowed), SERVING, Y);
  }

  private void passes(MetaGraphDef.Builder model, String... allowed) {
    assertThatCode(() -> check(model, allowed)).doesNotThrowAnyException();
  }

  private AbstractStringAssert<?> refuses(ErrorCode code, MetaGraphDef.Builder model) {
    TensorArrowException error =
        catchThrowableOfType(TensorArrowException.class, () -> check(model));
    assertThat(error).as("an error").isNotNull();
    assertThat(error.code()).as(error.getMessage()).isEqualTo(code);
    return assertThat(error.getMessage()).contains("Cannot ", ": found ", "; expected ");
  }

  private AbstractStringAssert<?> refuses(MetaGraphDef.Builder model) {
    return refuses(ErrorCode.TA_OP_NOT_ALLOWED, model);
  }

  private static final NodeDef X = node("x", "Placeholder");

  @ParameterizedTest
  @CsvSource({
    "ReadFile, reads or writes files",
    "WriteFile, reads or writes files",
    "MatchingFiles, reads or writes files",
    "WholeFileReaderV2, reads or writes files",
    "ImmutableConst, reads or writes files",
    "TextLineDataset, reads or writes files",
    "SaveV2, writes a checkpoint",
    "RestoreV2, reads a checkpoint",
    "InitializeTableFromTextFileV2, fills a table from a file",
    "PyFunc, needs Python",
    "EagerPyFunc, needs Python",
    "DatasetFromGraph, a serialized program",
    "XlaCallModule, a serialized program",
    "XlaCustomCallV2, native code",
    "RemoteCall, other devices or processes",
    "CollectiveReduce, other devices or processes",
    "RpcClient, network",
    "DataServiceDatasetV4, network",
    "Print, prints",
    "PrintV2, prints",
    "WriteScalarSummary, event files",
    "DumpTensor, debugger",
    "AssignAddVariableOp, 'changes variables, which outlive the call (initialisers may)'",
    "AssignAdd, changes variables",
    "ResourceScatterUpdate, changes variables",
    "LookupTableInsertV2, 'changes tables, which outlive the call (initialisers may)'",
    "QueueDequeueV2, state that calls share",
    "MapStage, state that calls share",
    "BatchFunction, state that calls share",
    "InplaceUpdate, overwrites the tensor",
    "Abort, ends or configures the process",
    "TPUExecute, TPU",
    "_Send, only while it runs"
  })
  void refusesWhatTouchesMoreThanTheModelsOwnTensors(String op, String touches) {
    refuses(model(graph(X, node("bad", op, "x"), node("y", "Identity", "bad"))))
        .startsWith(
            "[TA_OP_NOT_ALLOWED] Cannot run signature 'serving_default' of model '"
                + dir.resolve("model")
                + "': found operation '"
                + op
                + "', which ")
        .contains(touches, "reached by serving_default > bad; expected", "allowOps='" + op + "'")
        .contains("spark.tensorarrow.allowOps.max");
    refuses(model(graph(X, node("bad", op), node("y", "Identity", "x", "^bad")))).contains(touches);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "Assert",
        "RandomUniform",
        "StatefulUniform",
        "LookupTableFindV2",
        "HashTableV2",
        "MutableHashTableV2",
        "LookupTableExportV2",
        "VarHandleOp",
        "ReadVariableOp",
        "VarIsInitializedOp",
        "ResourceGather",
        "VariableV2",
        "IsVariableInitialized",
        "TemporaryVariable",
        "ParseExampleV2",
        "ParseTensor",
        "DecodeJpeg",
        "DecodeCSV",
        "DecodeProtoV2",
        "RegexReplace",
        "StringSplitV2",
        "UnicodeTranscode",
        "TensorArrayV3",
        "TensorArrayWriteV3",
        "TensorListReserve",
        "StackPushV2",
        "Switch",
        "Merge",
        "Enter",
        "LoopCond",
        "NoOp",
        "PlaceholderWithDefault",
        "CheckNumerics",
        "ScalarSummary",
        "ShardedFilename",
        "RaggedTensorToTensor",
        "TensorScatterUpdate",
        "DeviceIndex",
        "ReduceDataset",
        "OptionalFromValue",
        "DebugGradientIdentity",
        "FakeQuantWithMinMaxVars",
        "_FusedConv2D"
      })
  void allowsWhatServingNeeds(String op) {
    passes(model(graph(X, node("good", op, "x"), node("y", "Identity", "good"))));
  }

  @Test
  void judgesOnlyWhatIsReached() {
    NodeDef y = node("y", "Identity", "x");
    passes(model(graph(X, y, node("save", "SaveV2", "x"), node("merge", "MergeV2Checkpoints"))));
    passes(model(withFunctions(graph(X, y), function("unused", List.of(), node("f", "ReadFile")))));
    MetaGraphDef.Builder fedInTheMiddle =
        model(graph(node("file", "ReadFile"), node("x", "DecodeRaw", "file"), y));
    passes(fedInTheMiddle);
  }

  @Test
  void judgesTheSignatureThatIsUsed() {
    MetaGraphDef.Builder model =
        model(
            graph(
                X,
                node("y", "Identity", "x"),
                node("step", "AssignAddVariableOp", "x"),
                node("loss", "Identity", "x", "^step")));
    model.putSignatureDef("train", signature("x:0", "loss:0"));
    passes(model);
    Path directory = saved(model);
    TensorArrowException error =
        catchThrowableOfType(
            TensorArrowException.class,
            () ->
                UncheckedGraphs.read(directory, List.of("serve")).checkOps(List.of(), "train", Y));
    assertThat(error)
        .hasMessageContaining("'AssignAddVariableOp'")
        .hasMessageContaining("train > step");
  }

  @Test
  void judgesTheOutputsThatAreFetched() {
    MetaGraphDef.Builder model =
        model(
            graph(
                X,
                node("y", "Identity", "x"),
                node("log", "PrintV2", "x"),
                node("z", "Identity", "^log")));
    model.putSignatureDef(
        SERVING, signature("x:0", "y:0").toBuilder().putOutputs("z", tensor("z:0")).build());
    passes(model);
    Path directory = saved(model);
    assertThatCode(
            () ->
                UncheckedGraphs.read(directory, List.of("serve"))
                    .checkOps(List.of(), SERVING, List.of("y", "z")))
        .hasMessageContaining("'PrintV2'");
  }

  @Test
  void judgesTheGraphThatIsChosen() {
    MetaGraphDef.Builder training = model(graph(X, node("y", "WriteFile", "x")));
    training.getMetaInfoDefBuilder().clearTags().addTags("train");
    Path directory = saved(model(graph(X, node("y", "Identity", "x"))), training);

    UncheckedGraphs.read(directory, List.of("serve")).checkOps(List.of(), SERVING, Y);
    assertThatCode(
            () -> UncheckedGraphs.read(directory, List.of("train")).checkOps(List.of(), SERVING, Y))
        .hasMessageContaining("'WriteFile'");
  }

  @Test
  void findsWhatFunctionsHide() {
    FunctionDef bad = function("bad", List.of("a"), node("hidden", "ReadFile", "a"));
    FunctionDef good = function("good", List.of("a"), node("g", "Identity", "a"));
    NodeDef y = node("y", "StatefulPartitionedCall", "x");

    refuses(model(withFunctions(graph(X, call(y, "f", "bad")), bad)))
        .contains("reached by serving_default > bad > hidden;");
    refuses(
            model(
                withFunctions(
                    graph(X, call(y, "f", "outer")),
                    function(
                        "outer",
                        List.of("a"),
                        call(node("i", "If", "a", "a"), "else_branch", "bad")),
                    bad)))
        .contains("serving_default > outer > bad > hidden");
    refuses(
            model(
                withFunctions(
                    graph(X, call(call(node("y", "While", "x"), "cond", "good"), "body", "bad")),
                    good,
                    bad)))
        .contains("'ReadFile'");
    refuses(
            model(
                withFunctions(
                    graph(X, call(node("y", "Case", "x"), "branches", "good", "bad")), good, bad)))
        .contains("'ReadFile'");
    refuses(model(withFunctions(graph(X, call(node("y", "MapDataset", "x"), "f", "bad")), bad)))
        .contains("'ReadFile'");
    refuses(model(withFunctions(graph(X, node("y", "bad", "x")), bad)))
        .contains("serving_default > bad > hidden");
    passes(model(withFunctions(graph(X, call(y, "f", "good")), good, bad)));
  }

  @Test
  void findsFunctionsThatArePassedToFunctions() {
    FunctionDef bad = function("bad", List.of("a"), node("hidden", "ReadFile", "a"));
    NameAttrList outer =
        NameAttrList.newBuilder()
            .setName("outer")
            .putAttr(
                "g",
                AttrValue.newBuilder().setFunc(NameAttrList.newBuilder().setName("bad")).build())
            .build();
    NodeDef y =
        node("y", "PartitionedCall", "x").toBuilder()
            .putAttr("f", AttrValue.newBuilder().setFunc(outer).build())
            .build();
    FunctionDef callsItsAttribute =
        function(
            "outer",
            List.of("a"),
            node("inner", "PartitionedCall", "a").toBuilder()
                .putAttr("f", AttrValue.newBuilder().setPlaceholder("g").build())
                .build());
    refuses(model(withFunctions(graph(X, y), callsItsAttribute, bad))).contains("'ReadFile'");
  }

  @Test
  void findsFunctionsThatTensorFlowMayRunInstead() {
    FunctionDef good = function("good", List.of("a"), node("g", "Identity", "a"));
    FunctionDef bad = function("bad", List.of("a"), node("hidden", "ReadFile", "a"));
    NodeDef y = call(node("y", "PartitionedCall", "x"), "f", "good");

    refuses(
            model(
                withFunctions(
                    graph(X, y),
                    good.toBuilder().putAttr("api_implements", text("lstm")).build(),
                    bad.toBuilder().putAttr("api_implements", text("lstm")).build())))
        .contains("'ReadFile'");
    GraphDef.Builder withGradient =
        withFunctions(graph(X, call(node("y", "SymbolicGradient", "x"), "f", "good")), good, bad);
    withGradient
        .getLibraryBuilder()
        .addGradient(GradientDef.newBuilder().setFunctionName("good").setGradientFunc("bad"));
    refuses(model(withGradient)).contains("'ReadFile'");
  }

  @Test
  void followsLongChainsAndRecursionAndShortensThePath() {
    int length = 100_000;
    GraphDef.Builder graph = graph(X, node("n0", "Identity", "x"));
    for (int i = 1; i < length; i++) {
      graph.addNode(node("n" + i, "Identity", "n" + (i - 1)));
    }
    graph.addNode(call(node("y", "PartitionedCall", "n" + (length - 1)), "f", "f0"));
    int depth = 5_000;
    FunctionDef[] functions =
        IntStream.rangeClosed(0, depth)
            .mapToObj(
                i ->
                    i < depth
                        ? function("f" + i, List.of("a"), node("n", "f" + (i + 1), "a"))
                        : function(
                            "f" + i,
                            List.of("a"),
                            node("n", "f0", "a"),
                            node("end", "ReadFile", "a")))
            .toArray(FunctionDef[]::new);
    refuses(model(withFunctions(graph, functions)))
        .contains("serving_default > f0 > f1 > f2 > ... > f4998 > f4999 > f5000 > end;");
  }

  @Test
  void namesAllThatWouldHaveToBeAllowed() {
    MetaGraphDef.Builder model =
        model(
            graph(
                X,
                node("r", "ReadFile", "x"),
                node("w", "WriteFile", "r"),
                node("y", "Identity", "r", "^w")));
    refuses(model).contains("allowOps='").containsAnyOf("ReadFile,WriteFile", "WriteFile,ReadFile");
    passes(model, "ReadFile", "WriteFile");
    assertThatCode(() -> check(model, "ReadFile")).hasMessageContaining("'WriteFile'");
  }

  @Test
  void initialisersMayChangeVariablesAndTables() {
    NodeDef y = node("y", "Identity", "x");
    for (String op :
        List.of(
            "AssignVariableOp",
            "Assign",
            "VariableV2",
            "InitializeTableV2",
            "LookupTableImportV2",
            "LookupTableInsertV2",
            "RandomUniform")) {
      passes(initialisedBy(model(graph(X, y, node("init", op))), "init"));
    }
    for (String op : List.of("WriteFile", "PyFunc", "PrintV2", "RestoreV2", "ReadFile")) {
      refuses(initialisedBy(model(graph(X, y, node("init", op, "x"))), "init"))
          .contains("Cannot load model '", "'" + op + "'", "initialiser > init");
    }
  }

  @Test
  void initialisersAreFoundWhereOldModelsNameThem() {
    for (String collection :
        List.of("saved_model_main_op", "legacy_init_op", "table_initializer")) {
      MetaGraphDef.Builder model =
          model(graph(X, node("y", "Identity", "x"), node("init", "WriteFile", "x")));
      model.putCollectionDef(
          collection,
          CollectionDef.newBuilder()
              .setNodeList(CollectionDef.NodeList.newBuilder().addValue("init"))
              .build());
      refuses(model).contains("'WriteFile'", "initialiser > init");
    }
  }

  @Test
  void tablesAreFilledFromTheModelsOwnAssetsOnly() {
    NodeDef fill = node("init", "InitializeTableFromTextFileV2", "table", "through");
    NodeDef[] nodes = {
      X,
      node("y", "Identity", "x"),
      node("table", "HashTableV2"),
      node("asset", "Const"),
      node("other", "Const"),
      fill
    };
    GraphDef.Builder own = graph(nodes).addNode(node("through", "Identity", "asset:0"));
    GraphDef.Builder foreign = graph(nodes).addNode(node("through", "Identity", "other:0"));

    passes(withAsset(initialisedBy(model(own), "init"), "asset"));
    refuses(withAsset(initialisedBy(model(foreign), "init"), "asset"))
        .contains("fills a table from a file (initialisers may, from the model's own assets)");
    refuses(initialisedBy(model(own), "init")).contains("initialiser > init");
  }

  @Test
  void assetsAreFollowedThroughFunctions() {
    FunctionDef fill =
        function(
            "fill",
            List.of("table", "file"),
            node("through", "Identity", "file"),
            node("do", "InitializeTableFromTextFileV2", "table", "through:output:0"));
    FunctionDef outer =
        function(
            "outer",
            List.of("file"),
            node("t", "HashTableV2"),
            call(node("c", "PartitionedCall", "t:table_handle:0", "file"), "f", "fill"));
    NodeDef good = call(node("good", "StatefulPartitionedCall", "asset"), "f", "outer");
    NodeDef bad = call(node("bad", "StatefulPartitionedCall", "other"), "f", "outer");
    NodeDef[] nodes = {
      X, node("y", "Identity", "x"), node("asset", "Const"), node("other", "Const"), good, bad
    };

    passes(
        withAsset(
            initialisedBy(
                model(
                    withFunctions(
                        graph(nodes).addNode(node("init", "NoOp", "^good")), fill, outer)),
                "init"),
            "asset"));
    refuses(
            withAsset(
                initialisedBy(
                    model(
                        withFunctions(
                            graph(nodes).addNode(node("init", "NoOp", "^good", "^bad")),
                            fill,
                            outer)),
                    "init"),
                "asset"))
        .contains("initialiser > outer > fill > do");
  }

  @Test
  void assetsAreFollowedThroughVariables() {
    NodeDef handle = node("path", "VarHandleOp");
    NodeDef assign = node("assign", "AssignVariableOp", "path", "asset");
    NodeDef[] nodes = {
      X,
      node("y", "Identity", "x"),
      node("table", "HashTableV2"),
      node("asset", "Placeholder"),
      node("other", "Const"),
      node("is", "VarIsInitializedOp", "path"),
      node("read", "ReadVariableOp", "path", "^assign", "^is"),
      node("init", "InitializeTableFromTextFileV2", "table", "read"),
    };
    passes(fillingFrom(graph(nodes).addNode(handle).addNode(assign)));
    refuses(fillingFrom(graph(nodes).addNode(handle).addNode(node("assign", "NoOp"))))
        .contains("fills a table");
    refuses(
            fillingFrom(
                graph(nodes)
                    .addNode(handle)
                    .addNode(node("assign", "AssignVariableOp", "path", "other"))))
        .contains("fills a table");
    refuses(
            fillingFrom(
                graph(nodes)
                    .addNode(handle)
                    .addNode(assign.toBuilder().addInput("^again"))
                    .addNode(node("again", "AssignVariableOp", "path", "other"))))
        .contains("fills a table");
    refuses(
            fillingFrom(
                graph(nodes)
                    .addNode(handle)
                    .addNode(assign.toBuilder().addInput("^again"))
                    .addNode(text(node("alias", "VarHandleOp"), "shared_name", "path"))
                    .addNode(node("again", "AssignVariableOp", "alias", "other"))))
        .contains("fills a table");
    refuses(
            fillingFrom(
                withFunctions(
                    graph(nodes)
                        .addNode(handle)
                        .addNode(assign.toBuilder().addInput("^again"))
                        .addNode(call(node("again", "PartitionedCall", "path"), "f", "set")),
                    function("set", List.of("h"), node("s", "AssignVariableOp", "h", "h")))))
        .contains("fills a table");
    refuses(
            fillingFrom(
                withFunctions(
                    graph(nodes)
                        .addNode(handle)
                        .addNode(assign.toBuilder().addInput("^again"))
                        .addNode(call(node("again", "PartitionedCall", "other"), "f", "set")),
                    function(
                        "set",
                        List.of("v"),
                        node("h", "VarHandleOp"),
                        node("s", "AssignVariableOp", "h:resource:0", "v")))))
        .contains("fills a table");
    AttrValue left = AttrValue.newBuilder().setPlaceholder("t").build();
    refuses(
            fillingFrom(
                withFunctions(
                    graph(nodes)
                        .addNode(handle)
                        .addNode(assign.toBuilder().addInput("^again"))
                        .addNode(call(node("again", "PartitionedCall", "other"), "f", "set")),
                    function(
                        "set",
                        List.of("v"),
                        node("h", "Const").toBuilder().putAttr("dtype", left).build(),
                        node("s", "AssignVariableOp", "h:output:0", "v")))))
        .contains("fills a table");
  }

  private MetaGraphDef.Builder fillingFrom(GraphDef.Builder graph) {
    return withAsset(initialisedBy(model(graph), "init"), "asset");
  }

  @Test
  void argumentsOfSeveralTensorsAreNotMistakenForOthers() {
    FunctionDef fill =
        function(
            "fill",
            List.of("many", "file"),
            node("do", "InitializeTableFromTextFileV2", "many", "file"));
    fill =
        fill.toBuilder()
            .setSignature(
                fill.getSignature().toBuilder()
                    .setInputArg(0, OpDef.ArgDef.newBuilder().setName("many").setNumberAttr("N")))
            .build();
    refuses(
            withAsset(
                initialisedBy(
                    model(
                        withFunctions(
                            graph(
                                X,
                                node("y", "Identity", "x"),
                                node("asset", "Const"),
                                node("other", "Const"),
                                call(
                                    node("init", "PartitionedCall", "x", "asset", "other"),
                                    "f",
                                    "fill")),
                            fill)),
                    "init"),
                "asset"))
        .contains("initialiser > fill > do");
  }

  @Test
  void onlyTheOwnCheckpointIsRestored() {
    NodeDef[] nodes = {
      X,
      node("y", "Identity", "x"),
      node("checkpoint", "Placeholder"),
      node("names", "Const"),
      node("other", "Const"),
      node("own", "RestoreV2", "checkpoint", "names"),
      node("assign", "AssignVariableOp", "x", "own"),
      node("restore", "NoOp", "^assign"),
      node("foreign", "RestoreV2", "other", "names"),
      node("restoreOther", "NoOp", "^foreign"),
      node("init", "NoOp", "^restore")
    };
    passes(restoredBy(model(graph(nodes)), "restore"));
    passes(initialisedBy(restoredBy(model(graph(nodes)), "restore"), "init"));
    refuses(restoredBy(model(graph(nodes)), "restoreOther"))
        .contains("'RestoreV2'", "only the model's own checkpoint", "initialiser > foreign");
    refuses(initialisedBy(model(graph(nodes)), "init")).contains("initialiser > own");
    refuses(
            restoredBy(
                model(
                    graph(nodes)
                        .addNode(node("print", "PrintV2"))
                        .addNode(node("r", "NoOp", "^own", "^print"))),
                "r"))
        .contains("'PrintV2'");
  }

  @Test
  void anAttributeMayNameAFile() {
    NodeDef decode = node("decode", "DecodeProtoV2", "x");
    NodeDef y = node("y", "Identity", "decode");
    passes(model(graph(X, y, text(decode, "descriptor_source", "local://"))));
    passes(model(graph(X, y, text(decode, "descriptor_source", "bytes://abc"))));
    refuses(model(graph(X, y, text(decode, "descriptor_source", "/etc/passwd"))))
        .contains("reads the file that its attribute names");
  }

  @Test
  void anAttributeThatIsLeftToCallersMayNameAFile() {
    AttrValue left = AttrValue.newBuilder().setPlaceholder("file").build();
    NodeDef sample =
        node("s", "FixedUnigramCandidateSampler", "a").toBuilder()
            .putAttr("vocab_file", left)
            .build();
    NodeDef y = text(node("y", "f", "x"), "file", "/etc/passwd");
    refuses(model(withFunctions(graph(X, y), function("f", List.of("a"), sample))))
        .contains("reads the file that its attribute names", "FixedUnigramCandidateSampler");
  }

  @Test
  void unknownOperationsAreNamedWithTheirLibrary() {
    refuses(
            ErrorCode.TA_OP_UNKNOWN,
            model(
                graph(
                    X,
                    node("a", "SentencepieceTokenizeOp", "x"),
                    node("b", "SimpleMLInferenceOpWithHandle", "a"),
                    node("y", "MadeUp", "b"))))
        .contains(
            "Cannot run signature 'serving_default'",
            "'SentencepieceTokenizeOp'",
            "'SimpleMLInferenceOpWithHandle'",
            "'MadeUp'",
            "TensorFlow Text",
            "TensorFlow Decision Forests",
            "TensorFlow 2.18");
    passes(model(graph(X, node("y", "Identity", "x"), node("unreached", "MadeUp"))));
  }

  @Test
  void manyUnknownOperationsAreCounted() {
    List<NodeDef> nodes = new ArrayList<>(List.of(X));
    for (int i = 0; i < 25; i++) {
      nodes.add(node("n" + i, "MadeUp" + i, i == 0 ? "x" : "n" + (i - 1)));
    }
    nodes.add(node("y", "Identity", "n24"));
    refuses(ErrorCode.TA_OP_UNKNOWN, model(graph(nodes.toArray(NodeDef[]::new))))
        .contains("and 5 more");
  }

  @Test
  void operationsOfANewerTensorFlowAreExplained() {
    MetaGraphDef.Builder model = model(graph(X, node("y", "OpOfTomorrow", "x")));
    model.getMetaInfoDefBuilder().setTensorflowVersion("2.30.1");
    model.getGraphDefBuilder().getVersionsBuilder().setProducer(OpTable.GRAPH_VERSION + 700);
    refuses(ErrorCode.TA_OP_UNKNOWN, model)
        .contains(
            "saved by TensorFlow 2.30.1, graph version " + (OpTable.GRAPH_VERSION + 700),
            "TensorFlow 2.18, graph version " + OpTable.GRAPH_VERSION);
  }

  @Test
  void graphsThatNeedANewerTensorFlowAreRefused() {
    MetaGraphDef.Builder model = model(graph(X, node("y", "Identity", "x")));
    model.getMetaInfoDefBuilder().setTensorflowVersion("3.0");
    model
        .getGraphDefBuilder()
        .getVersionsBuilder()
        .setProducer(OpTable.GRAPH_VERSION + 1)
        .setMinConsumer(OpTable.GRAPH_VERSION);
    passes(model);
    model.getGraphDefBuilder().getVersionsBuilder().setMinConsumer(OpTable.GRAPH_VERSION + 1);
    refuses(ErrorCode.TA_MODEL_LOAD, model).contains("TensorFlow 3.0", "TensorFlow 2.18");
    model
        .getGraphDefBuilder()
        .getVersionsBuilder()
        .clearMinConsumer()
        .addBadConsumers(OpTable.GRAPH_VERSION);
    refuses(ErrorCode.TA_MODEL_LOAD, model).contains("TensorFlow 3.0");
  }

  @Test
  void theModelsOfTheseTestsAndTheExamplesPass() {
    for (Path model :
        List.of(
            TestModels.scale(dir),
            TestModels.mlp(dir),
            TestModels.kinds(dir),
            TestModels.function(dir),
            TestModels.table(dir),
            TestModels.strings(dir),
            Path.of("../examples/models/digits"),
            Path.of("../integration-tests/src/test/resources/models/features"))) {
      var graph = SavedModelFile.read(model).graph(List.of("serve"));
      graph
          .signatures()
          .forEach(
              signature ->
                  graph.checkOps(
                      List.of(),
                      signature.name(),
                      signature.outputs().stream().map(output -> output.name()).toList()));
    }
  }
}
