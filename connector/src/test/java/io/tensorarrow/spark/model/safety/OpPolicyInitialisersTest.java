package io.tensorarrow.spark.model.safety;

import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.CollectionDef;
import org.tensorflow.proto.FunctionDef;
import org.tensorflow.proto.GraphDef;
import org.tensorflow.proto.MetaGraphDef;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.proto.OpDef;

/**
 * What initialisers may do: change the state of the model, and read its own assets and checkpoint.
 */
class OpPolicyInitialisersTest extends OpPolicyTestBase {
  private static final NodeDef ASSIGN_ASSET = node("assign", "AssignVariableOp", "path", "asset");

  /**
   * Makes a model with the initialiser {@code init} and an asset that the node {@code asset} names.
   */
  private MetaGraphDef.Builder withInitialAsset(GraphDef.Builder graph) {
    return withAsset(initialisedBy(model(graph), "init"), "asset");
  }

  @Test
  void initialisersMayChangeVariablesAndTables() {
    for (String op :
        List.of(
            "AssignVariableOp",
            "Assign",
            "VariableV2",
            "InitializeTableV2",
            "LookupTableImportV2",
            "LookupTableInsertV2",
            "RandomUniform")) {
      passes(initialisedBy(model(graph(X, Y, node("init", op))), "init"));
    }
    for (String op : List.of("WriteFile", "PyFunc", "PrintV2", "RestoreV2", "ReadFile")) {
      refuses(initialisedBy(model(graph(X, Y, node("init", op, "x"))), "init"))
          .contains("Cannot load model '", "'" + op + "'", "initialiser > init");
    }
  }

  @Test
  void initialisersOfOldCollectionsAreChecked() {
    for (String collection :
        List.of("saved_model_main_op", "legacy_init_op", "table_initializer")) {
      MetaGraphDef.Builder model = model(graph(X, Y, node("init", "WriteFile", "x")));
      model.putCollectionDef(
          collection,
          CollectionDef.newBuilder()
              .setNodeList(CollectionDef.NodeList.newBuilder().addValue("init"))
              .build());
      refuses(model).contains("'WriteFile'", "initialiser > init");
    }
  }

  @Test
  void tablesMayBeFilledFromOwnAssetsOnly() {
    NodeDef fill = node("init", "InitializeTableFromTextFileV2", "table", "through");
    NodeDef[] nodes = {
      X, Y, node("table", "HashTableV2"), node("asset", "Const"), node("other", "Const"), fill
    };
    GraphDef.Builder own = graph(nodes).addNode(node("through", "Identity", "asset:0"));
    GraphDef.Builder foreign = graph(nodes).addNode(node("through", "Identity", "other:0"));

    passes(withInitialAsset(own));
    refuses(withInitialAsset(foreign))
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
    NodeDef[] nodes = {X, Y, node("asset", "Const"), node("other", "Const"), good, bad};

    passes(
        withInitialAsset(
            withFunctions(graph(nodes).addNode(node("init", "NoOp", "^good")), fill, outer)));
    refuses(
            withInitialAsset(
                withFunctions(
                    graph(nodes).addNode(node("init", "NoOp", "^good", "^bad")), fill, outer)))
        .contains("initialiser > outer > fill > do");
  }

  /** Nodes whose initialiser fills a table from the file that the variable {@code path} names. */
  private static GraphDef.Builder fillsTableFromVariable(NodeDef... assignments) {
    return graph(
            X,
            Y,
            node("table", "HashTableV2"),
            node("asset", "Placeholder"),
            node("other", "Const"),
            node("is", "VarIsInitializedOp", "path"),
            node("read", "ReadVariableOp", "path", "^assign", "^is"),
            node("init", "InitializeTableFromTextFileV2", "table", "read"),
            node("path", "VarHandleOp"))
        .addAllNode(List.of(assignments));
  }

  /** Assigns the asset to the variable, behind another node. */
  private static NodeDef assignAssetAfter(String node) {
    return node("assign", "AssignVariableOp", "path", "asset", "^" + node);
  }

  /** Assigns the asset to the variable, and calls a function {@code set} with a tensor before. */
  private static GraphDef.Builder fillsTableAfterCall(String argument, FunctionDef set) {
    NodeDef call = call(node("again", "PartitionedCall", argument), "f", "set");
    return withFunctions(fillsTableFromVariable(assignAssetAfter("again"), call), set);
  }

  @Test
  void tablesMayBeFilledFromVariableThatHoldsOwnAsset() {
    passes(withInitialAsset(fillsTableFromVariable(ASSIGN_ASSET)));
  }

  static Stream<Arguments> variablesThatMayHoldOtherFiles() {
    NodeDef again = node("again", "AssignVariableOp", "path", "other");
    AttrValue setByCaller = AttrValue.newBuilder().setPlaceholder("t").build();
    return Stream.of(
        arguments("is never assigned", fillsTableFromVariable(node("assign", "NoOp"))),
        arguments(
            "is assigned another file",
            fillsTableFromVariable(node("assign", "AssignVariableOp", "path", "other"))),
        arguments(
            "is assigned another file, too",
            fillsTableFromVariable(assignAssetAfter("again"), again)),
        arguments(
            "is assigned another file by a second handle",
            fillsTableFromVariable(
                assignAssetAfter("again"),
                text(node("alias", "VarHandleOp"), "shared_name", "path"),
                node("again", "AssignVariableOp", "alias", "other"))),
        arguments(
            "is passed to a function that assigns",
            fillsTableAfterCall(
                "path", function("set", List.of("h"), node("s", "AssignVariableOp", "h", "h")))),
        arguments(
            "may be the variable that a function has a handle of",
            fillsTableAfterCall(
                "other",
                function(
                    "set",
                    List.of("v"),
                    node("h", "VarHandleOp"),
                    node("s", "AssignVariableOp", "h:resource:0", "v")))),
        arguments(
            "may be the variable behind a constant of a dtype that callers set",
            fillsTableAfterCall(
                "other",
                function(
                    "set",
                    List.of("v"),
                    node("h", "Const").toBuilder().putAttr("dtype", setByCaller).build(),
                    node("s", "AssignVariableOp", "h:output:0", "v")))));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("variablesThatMayHoldOtherFiles")
  void tablesMayNotBeFilledFromVariableThat(String condition, GraphDef.Builder graph) {
    refuses(withInitialAsset(graph)).contains("fills a table");
  }

  @Test
  void filesBehindArgumentsOfSeveralTensorsAreRefused() {
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
            withInitialAsset(
                withFunctions(
                    graph(
                        X,
                        Y,
                        node("asset", "Const"),
                        node("other", "Const"),
                        call(node("init", "PartitionedCall", "x", "asset", "other"), "f", "fill")),
                    fill)))
        .contains("initialiser > fill > do");
  }

  @Test
  void onlyOwnCheckpointMayBeRestored() {
    NodeDef[] nodes = {
      X,
      Y,
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
}
