package io.tensorarrow.spark.model.safety;

import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.stream.Stream;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.FunctionDef;
import org.tensorflow.proto.GradientDef;
import org.tensorflow.proto.GraphDef;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.proto.OpDef;

/**
 * A graph and its function library without constants: the dependencies between nodes, and the call
 * graph. Immutable.
 */
final class OpGraph {
  /**
   * The attribute by which functions are alternatives: TensorFlow may run any that has the same
   * value.
   */
  private static final String INTERCHANGEABLE = "api_implements";

  private final Map<String, OpNode> nodes = new HashMap<>();
  private final Map<String, LibraryFunction> functions = new HashMap<>();

  /**
   * A function of the library.
   *
   * @param arguments their names, in order; none if one of them stands for several tensors
   * @param nodes its body, in order
   * @param alternatives itself and what TensorFlow may run in its place or along with it
   */
  private record LibraryFunction(
      List<String> arguments, List<OpNode> nodes, Set<String> alternatives) {}

  OpGraph(GraphDef proto) {
    for (NodeDef node : proto.getNodeList()) {
      nodes.put(node.getName(), OpNode.of(node));
    }
    Map<String, Set<String>> groups = new HashMap<>();
    for (FunctionDef def : proto.getLibrary().getFunctionList()) {
      String group =
          def.getAttrOrDefault(INTERCHANGEABLE, AttrValue.getDefaultInstance())
              .getS()
              .toStringUtf8();
      Set<String> alternatives =
          group.isEmpty()
              ? new LinkedHashSet<>()
              : groups.computeIfAbsent(group, g -> new LinkedHashSet<>());
      alternatives.add(def.getSignature().getName());
      functions.put(
          def.getSignature().getName(),
          new LibraryFunction(
              arguments(def.getSignature()),
              def.getNodeDefList().stream().map(OpNode::of).toList(),
              alternatives));
    }
    for (GradientDef gradient : proto.getLibrary().getGradientList()) {
      LibraryFunction function = functions.get(gradient.getFunctionName());
      if (function != null) {
        function.alternatives().add(gradient.getGradientFunc());
      }
    }
  }

  private static List<String> arguments(OpDef signature) {
    return signature.getInputArgList().stream()
            .allMatch(arg -> arg.getNumberAttr().isEmpty() && arg.getTypeListAttr().isEmpty())
        ? signature.getInputArgList().stream().map(OpDef.ArgDef::getName).toList()
        : List.of();
  }

  /** Returns whether the library has such a function, which goes before an operation. */
  boolean isFunction(String op) {
    return functions.containsKey(op);
  }

  /**
   * Finds a node.
   *
   * @param function the function that has it, empty for the graph itself
   */
  Optional<OpNode> find(String function, String node) {
    if (function.isEmpty()) {
      return Optional.ofNullable(nodes.get(node));
    }
    return Optional.ofNullable(functions.get(function)).stream()
        .flatMap(body -> body.nodes().stream())
        .filter(candidate -> candidate.name().equals(node))
        .findFirst();
  }

  /** Returns which argument of a function has this name, or -1. */
  int argument(String function, String name) {
    LibraryFunction body = function.isEmpty() ? null : functions.get(function);
    return body == null ? -1 : body.arguments().indexOf(name);
  }

  /** Returns the functions that the node calls with its own inputs. */
  Set<String> called(OpNode node) {
    return alternatives(isFunction(node.op()) ? Stream.of(node.op()) : node.callees().stream());
  }

  /** Returns the functions that are called, with whatever inputs, by those that the node calls. */
  Set<String> passedOn(OpNode node) {
    return alternatives(
        isFunction(node.op())
            ? Stream.concat(node.callees().stream(), node.passedOn().stream())
            : node.passedOn().stream());
  }

  private Set<String> alternatives(Stream<String> names) {
    Set<String> alternatives = new LinkedHashSet<>();
    names
        .map(functions::get)
        .filter(Objects::nonNull)
        .forEach(function -> alternatives.addAll(function.alternatives()));
    return alternatives;
  }

  /**
   * Visits, once each, all nodes that running the roots may run. In a function these are all of its
   * nodes, since TensorFlow runs those with effects whether or not a result depends on them.
   *
   * @param roots names of nodes of the graph; unknown ones are passed over
   * @param leaves nodes of the graph that are given a value, and are not visited themselves
   */
  void walk(Collection<String> roots, Set<String> leaves, BiConsumer<CallPath, OpNode> visitor) {
    Deque<CallPath> called = new ArrayDeque<>();
    Set<String> seenFunctions = new HashSet<>();
    Set<String> seen = new HashSet<>();
    Deque<String> open = new ArrayDeque<>(roots);
    while (!open.isEmpty()) {
      String name = open.pop();
      OpNode node = nodes.get(name);
      if (node != null && !leaves.contains(name) && seen.add(name)) {
        visitor.accept(CallPath.GRAPH, node);
        call(CallPath.GRAPH, node, seenFunctions, called);
        node.inputs().forEach(input -> open.push(source(input)));
      }
    }
    while (!called.isEmpty()) {
      CallPath path = called.poll();
      LibraryFunction function = functions.get(path.function());
      if (function != null) {
        for (OpNode node : function.nodes()) {
          visitor.accept(path, node);
          call(path, node, seenFunctions, called);
        }
      }
    }
  }

  private void call(CallPath path, OpNode node, Set<String> seen, Deque<CallPath> called) {
    Stream.concat(called(node).stream(), passedOn(node).stream())
        .filter(seen::add)
        .forEach(callee -> called.add(new CallPath(path, callee)));
  }

  /** Returns the node or argument behind {@code ^node}, {@code node:1} or {@code node:out:0}. */
  static String source(String input) {
    int begin = input.startsWith("^") ? 1 : 0;
    int colon = input.indexOf(':');
    return input.substring(begin, colon < begin ? input.length() : colon);
  }
}
