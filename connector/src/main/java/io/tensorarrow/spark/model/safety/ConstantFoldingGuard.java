package io.tensorarrow.spark.model.safety;

import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.GraphDef;
import org.tensorflow.proto.NodeDef;

/**
 * Keeps TensorFlow from computing refused operations while it imports a graph. To find shapes it
 * evaluates nodes that depend on constants alone and whose operation is not stateful; one input
 * without a value prevents that, a control input does not.
 */
final class ConstantFoldingGuard {
  private static final String PREFIX = "tensorarrow_never_";

  /** The type of the first input of those operations that could be evaluated. */
  static final Map<String, DataType> FIRST_INPUTS =
      Map.of(
          "ReadFile", DataType.DT_STRING,
          "MatchingFiles", DataType.DT_STRING,
          "GenerateVocabRemapping", DataType.DT_STRING,
          "SnapshotChunkDataset", DataType.DT_STRING,
          "SnapshotDatasetReader", DataType.DT_STRING,
          "DatasetFromGraph", DataType.DT_STRING,
          "TfLiteSubgraphExecute", DataType.DT_STRING,
          "DecodeProtoV2", DataType.DT_STRING,
          "EncodeProto", DataType.DT_INT32);

  /** The same, for operations whose attribute T is that type. */
  static final Set<String> FIRST_INPUTS_OF_TYPE_T =
      Set.of(
          "Copy",
          "CopyHost",
          "DebugIdentity",
          "DebugNanCount",
          "DebugNumericSummary",
          "InplaceAdd",
          "InplaceSub",
          "InplaceUpdate");

  /** Has no inputs, so it cannot be disabled by removing them. */
  static final String CONSTANT_FROM_FILE = "ImmutableConst";

  private ConstantFoldingGuard() {}

  /**
   * Returns the graph with the refused operations disarmed.
   *
   * @param refused which nodes must not be evaluated
   */
  static GraphDef disarm(GraphDef proto, Predicate<NodeDef> refused) {
    GraphDef.Builder graph = proto.toBuilder();
    Set<String> names = new HashSet<>();
    proto.getNodeList().forEach(node -> names.add(node.getName()));
    for (int i = 0; i < proto.getNodeCount(); i++) {
      NodeDef node = proto.getNode(i);
      if (node.getOp().equals(CONSTANT_FROM_FILE) && refused.test(node)) {
        graph.setNode(i, never(node.getName(), attribute(node, "dtype")));
      }
      Optional<AttrValue> type = firstInput(node);
      if (type.isPresent() && node.getInputCount() > 0 && refused.test(node)) {
        String name = PREFIX + i;
        while (!names.add(name)) {
          name += "_";
        }
        graph.getNodeBuilder(i).setInput(0, name);
        graph.addNode(never(name, type.get()));
      }
    }
    return graph.build();
  }

  private static Optional<AttrValue> firstInput(NodeDef node) {
    return FIRST_INPUTS_OF_TYPE_T.contains(node.getOp())
        ? Optional.of(attribute(node, "T"))
        : Optional.ofNullable(FIRST_INPUTS.get(node.getOp()))
            .map(type -> AttrValue.newBuilder().setType(type).build());
  }

  private static AttrValue attribute(NodeDef node, String name) {
    return node.getAttrOrDefault(name, AttrValue.getDefaultInstance());
  }

  private static NodeDef never(String name, AttrValue type) {
    return NodeDef.newBuilder().setName(name).setOp("Placeholder").putAttr("dtype", type).build();
  }
}
