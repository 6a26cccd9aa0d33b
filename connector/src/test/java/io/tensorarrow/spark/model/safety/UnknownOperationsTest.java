package io.tensorarrow.spark.model.safety;

import io.tensorarrow.spark.errors.ErrorCode;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.tensorflow.proto.MetaGraphDef;
import org.tensorflow.proto.NodeDef;

/** Operations and graphs that this TensorFlow does not know. */
class UnknownOperationsTest extends OpPolicyTestBase {
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
    passes(model(graph(X, Y, node("unreached", "MadeUp"))));
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
  void operationsOfNewerTensorFlowAreExplained() {
    MetaGraphDef.Builder model = model(graph(X, node("y", "OpOfTomorrow", "x")));
    model.getMetaInfoDefBuilder().setTensorflowVersion("2.30.1");
    model.getGraphDefBuilder().getVersionsBuilder().setProducer(OpTable.GRAPH_VERSION + 700);
    refuses(ErrorCode.TA_OP_UNKNOWN, model)
        .contains(
            "saved by TensorFlow 2.30.1, graph version " + (OpTable.GRAPH_VERSION + 700),
            "TensorFlow 2.18, graph version " + OpTable.GRAPH_VERSION);
  }

  @Test
  void graphsThatNeedNewerTensorFlowAreRefused() {
    MetaGraphDef.Builder model = model(graph(X, Y));
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
}
