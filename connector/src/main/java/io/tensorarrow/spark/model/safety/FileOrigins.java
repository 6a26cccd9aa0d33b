package io.tensorarrow.spark.model.safety;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Finds out where a file's name comes from: follows it back through operations that hand it on,
 * through variables that are used for nothing else, and from a function's argument to all callers
 * of that walk. An origin that cannot be traced is not trusted.
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

  private static final String READ = "ReadVariableOp";
  private static final String ASSIGN = "AssignVariableOp";

  private final OpGraph graph;
  private final Map<String, List<Call>> calls = new HashMap<>();
  private final Set<String> untraceable = new HashSet<>();

  /** The names of the variables to which there is a handle, once for each handle. */
  private final List<String> variables = new ArrayList<>();

  /** What takes a handle of the graph itself, by the handle's node. */
  private final Map<String, List<OpNode>> users = new HashMap<>();

  private boolean anyVariableHasAnotherHandle;

  private record Call(String caller, OpNode node) {}

  /** A value by its name in a function, or in the graph itself if that is empty. */
  private record Value(String function, String name) {}

  FileOrigins(OpGraph graph) {
    this.graph = graph;
  }

  /** Takes note of calls and variables; to be told of all nodes of a walk. */
  void visit(CallPath path, OpNode node) {
    for (String callee : graph.called(node)) {
      calls
          .computeIfAbsent(callee, function -> new ArrayList<>())
          .add(new Call(path.function(), node));
    }
    untraceable.addAll(graph.passedOn(node));
    boolean inGraph = path.function().isEmpty();
    if (node.variable().isPresent()) {
      anyVariableHasAnotherHandle |=
          node.variable().get().isEmpty() && !(inGraph && isHandle(node));
      variables.add(name(node));
    }
    if (inGraph) {
      for (String input : node.inputs()) {
        String source = OpGraph.source(input);
        if (!input.startsWith("^")
            && graph.find("", source).filter(FileOrigins::isHandle).isPresent()) {
          users.computeIfAbsent(source, handle -> new ArrayList<>()).add(node);
        }
      }
    }
  }

  /**
   * Returns whether an input can have no other value than that of certain nodes.
   *
   * @param trusted nodes of the graph itself
   * @param path where the node is
   * @param node the node with the input
   * @param input which of its inputs
   */
  boolean areAll(Set<String> trusted, CallPath path, OpNode node, int input) {
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
      Optional<OpNode> maker = graph.find(value.function(), value.name());
      if (maker.isPresent() && value.function().isEmpty() && maker.get().op().equals(READ)) {
        return followAssignments(maker.get(), open);
      }
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

  /** TensorFlow 2 keeps the names of assets in variables, which it sets when it loads a model. */
  private boolean followAssignments(OpNode read, Deque<Value> open) {
    String handle = read.inputs().isEmpty() ? "" : OpGraph.source(read.inputs().get(0));
    Optional<OpNode> maker = graph.find("", handle).filter(FileOrigins::isHandle);
    List<OpNode> uses = users.getOrDefault(handle, List.of());
    return maker.isPresent()
        && !anyVariableHasAnotherHandle
        && Collections.frequency(variables, name(maker.get())) == 1
        && uses.stream().anyMatch(use -> use.op().equals(ASSIGN))
        && uses.stream()
            .allMatch(
                use ->
                    use.op().equals(READ)
                        || use.op().equals("VarIsInitializedOp")
                        || (use.op().equals(ASSIGN) && follow("", use, 1, open)));
  }

  private static boolean isHandle(OpNode node) {
    return node.op().equals("VarHandleOp");
  }

  private static String name(OpNode handle) {
    return handle.variable().filter(name -> !name.isEmpty()).orElse(handle.name());
  }

  private int argumentsBegin(OpNode call) {
    return graph.isFunction(call.op()) ? 0 : CALLS.getOrDefault(call.op(), -1);
  }

  private static boolean follow(String function, OpNode node, int input, Deque<Value> open) {
    if (input >= node.inputs().size() || node.inputs().get(input).startsWith("^")) {
      return false;
    }
    open.push(new Value(function, OpGraph.source(node.inputs().get(input))));
    return true;
  }
}
