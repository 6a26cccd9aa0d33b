package io.tensorarrow.spark.model.safety;

import java.util.List;
import java.util.Optional;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.NodeDef;

/**
 * A node with what it takes and gives.
 *
 * @param proto the node as saved
 * @param inputs what it takes, empty if that can't be known: its operation is unknown, or left to
 *     the function's caller
 * @param outputs what it gives, empty in the same cases
 */
record CheckedNode(
    NodeDef proto, Optional<List<Argument>> inputs, Optional<List<Argument>> outputs) {
  String name() {
    return proto.getName();
  }

  /** Returns whether an edge from this node may close a cycle, as in TF1's loops. */
  boolean isNextIteration() {
    return proto.getOp().equals("NextIteration") || proto.getOp().equals("RefNextIteration");
  }

  /** Returns whether tensors enter a loop of TF1 here. */
  boolean isEnter() {
    return proto.getOp().equals("Enter") || proto.getOp().equals("RefEnter");
  }

  /** Returns the name of the loop that is entered. */
  String frame() {
    return proto
        .getAttrOrDefault("frame_name", AttrValue.getDefaultInstance())
        .getS()
        .toStringUtf8();
  }

  /** Returns whether a turn of TF1's loops begins here. */
  boolean isMerge() {
    return proto.getOp().equals("Merge") || proto.getOp().equals("RefMerge");
  }

  /**
   * Returns where the node is.
   *
   * @param body the location of the graph or function that has it
   */
  GraphLocation in(GraphLocation body) {
    return body.node(name(), proto.getOp());
  }
}
