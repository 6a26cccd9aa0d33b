package io.tensorarrow.spark.model.safety;

import io.tensorarrow.spark.model.safety.OpGraph.Node;
import io.tensorarrow.spark.model.safety.OpGraph.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Finds out where a file's name comes from: follows it back through operations that hand it on, and
 * from a function's argument to all callers of that walk. What it can't follow comes from nowhere.
 */
final class FileOrigins {
  private static final Set<String> HAND_ON =
      Set.of("Identity", "PlaceholderWithDefault", "StopGradient");

  /** How many inputs come before the called function's arguments. */
  private static final Map<String, Integer> CALLS =
      Map.of(
          "PartitionedCall", 0,
          "StatefulPartitionedCall", 0,
          "If", 1,
          "StatelessIf", 1,
          "Case", 1,
          "StatelessCase", 1);

  private final OpGraph graph;
  private final Map<String, List<Call>> calls = new HashMap<>();
  private final Set<String> untraceable = new HashSet<>();

  private record Call(String caller, Node node) {}

  /** A value by its name in a function, or in the graph itself if that is empty. */
  private record Value(String function, String name) {}

  FileOrigins(OpGraph graph) {
    this.graph = graph;
  }

  /** Takes note of calls; to be told of all nodes of a walk. */
  void visit(Path path, Node node) {
    for (String callee : graph.called(node)) {
      calls
          .computeIfAbsent(callee, function -> new ArrayList<>())
          .add(new Call(path.function(), node));
    }
    untraceable.addAll(graph.passedOn(node));
  }

  /**
   * Returns whether an input can have no other value than that of certain nodes.
   *
   * @param trusted nodes of the graph itself
   * @param path where the node is
   * @param node the node with the input
   * @param input which of its inputs
   */
  boolean areAll(Set<String> trusted, Path path, Node node, int input) {
    Set<Value> seen = new HashSet<>();
    Deque<Value> open = new ArrayDeque<>();
    if (!follow(path.function(), node, input, open)) {
      return false;
    }
    while (!open.isEmpty()) {
      Value value = open.pop();
      if (seen.add(value)
          && !(value.function().isEmpty() && trusted.contains(value.name()))
          && !goBack(value, open)) {
        return false;
      }
    }
    return true;
  }

  /** Adds what the value is made of; false if it is made of something else than other values. */
  private boolean goBack(Value value, Deque<Value> open) {
    int argument = graph.argument(value.function(), value.name());
    if (argument < 0) {
      Optional<Node> maker = graph.find(value.function(), value.name());
      return maker.isPresent()
          && HAND_ON.contains(maker.get().op())
          && follow(value.function(), maker.get(), 0, open);
    }
    List<Call> callers = calls.getOrDefault(value.function(), List.of());
    return !callers.isEmpty()
        && !untraceable.contains(value.function())
        && callers.stream()
            .allMatch(
                call ->
                    argumentsBegin(call.node()) >= 0
                        && follow(
                            call.caller(),
                            call.node(),
                            argumentsBegin(call.node()) + argument,
                            open));
  }

  private int argumentsBegin(Node call) {
    return graph.isFunction(call.op()) ? 0 : CALLS.getOrDefault(call.op(), -1);
  }

  private static boolean follow(String function, Node node, int input, Deque<Value> open) {
    if (input >= node.inputs().size() || node.inputs().get(input).startsWith("^")) {
      return false;
    }
    open.push(new Value(function, OpGraph.source(node.inputs().get(input))));
    return true;
  }
}
