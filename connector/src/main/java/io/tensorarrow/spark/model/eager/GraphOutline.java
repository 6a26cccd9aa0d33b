package io.tensorarrow.spark.model.eager;

import io.tensorarrow.spark.model.savedmodel.TensorName;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import org.tensorflow.proto.GraphDef;
import org.tensorflow.proto.NodeDef;

/**
 * What has to be known of a {@linkplain GraphRewriter rewritten} graph to cut functions from it,
 * without its constants, which may be large and are in TensorFlow's hands. Immutable.
 */
final class GraphOutline {
  private final List<String> restoreOps;
  private final List<String> initialisers;
  private final Map<String, Function> functions;
  private final Map<String, OutlineNode> nodes = new HashMap<>();

  GraphOutline(
      GraphDef proto,
      List<String> restoreOps,
      List<String> initialisers,
      Map<String, Function> functions) {
    this.restoreOps = restoreOps;
    this.initialisers = initialisers;
    this.functions = functions;
    for (NodeDef node : proto.getNodeList()) {
      nodes.put(node.getName(), new OutlineNode(node.getOp(), List.copyOf(node.getInputList())));
    }
  }

  /**
   * What a signature is in this graph.
   *
   * @param feeds the tensors of its inputs, in the signature's sorted order
   * @param fetches for the name of each output, the node whose single output it is; empty for
   *     outputs that are no tensors
   */
  record Function(List<TensorName> feeds, SortedMap<String, String> fetches) {}

  private record OutlineNode(String op, List<String> inputs) {}

  /** Returns the ops that restore the variables, none if there are none. */
  List<String> restoreOps() {
    return restoreOps;
  }

  /** Returns the ops to run after the variables are restored. */
  List<String> initialisers() {
    return initialisers;
  }

  /** Returns the signatures by name. */
  Map<String, Function> functions() {
    return functions;
  }

  /** Returns whether the node is a value that has to be fed. */
  boolean isPlaceholder(String node) {
    OutlineNode outlined = nodes.get(node);
    return outlined != null && outlined.op().equals("Placeholder");
  }

  /**
   * Finds the nodes that a function has to compute.
   *
   * @param roots the nodes that it fetches or runs
   * @param stops the nodes that it is fed
   * @return all nodes that the roots depend on, without those beyond the stops
   */
  Set<String> reachable(Collection<String> roots, Set<String> stops) {
    Set<String> seen = new LinkedHashSet<>();
    Deque<String> open = new ArrayDeque<>(roots);
    while (!open.isEmpty()) {
      String node = open.pop();
      OutlineNode outlined = nodes.get(node);
      if (outlined != null && !stops.contains(node) && seen.add(node)) {
        outlined.inputs().forEach(input -> open.push(TensorName.of(input).node()));
      }
    }
    return seen;
  }
}
