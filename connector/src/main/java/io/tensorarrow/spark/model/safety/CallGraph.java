package io.tensorarrow.spark.model.safety;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.tensorflow.proto.FunctionDef;
import org.tensorflow.proto.NameAttrList;
import org.tensorflow.proto.NodeDef;

/**
 * Follows the functions that a graph calls. TensorFlow replaces calls by the bodies of functions;
 * for some graphs this would never end.
 */
final class CallGraph {
  private static final long MAX_NODES = 1_000_000;
  private static final int MAX_DEPTH = 100;

  private final FunctionLibrary library;
  private final GraphLocation location;
  private final Map<String, Size> sizes = new HashMap<>();
  private final Deque<MeasuredFunction> open = new ArrayDeque<>();

  CallGraph(FunctionLibrary library, GraphLocation location) {
    this.library = library;
    this.location = location;
  }

  /**
   * What a function is after all calls in it are replaced.
   *
   * @param nodes how many nodes
   * @param depth how deeply calls were nested
   */
  private record Size(long nodes, int depth) {}

  /** A function that is being measured. */
  private static final class MeasuredFunction {
    final String name;
    final List<String> callees;
    int next;

    MeasuredFunction(String name, List<String> callees) {
      this.name = name;
      this.callees = callees;
    }
  }

  /**
   * Finds the functions that nodes call, directly or by other functions.
   *
   * @return the functions, in no particular order
   */
  List<FunctionDef> check(List<NodeDef> graph) {
    visit("", graph);
    return sizes.keySet().stream().flatMap(name -> library.function(name).stream()).toList();
  }

  private void visit(String root, List<NodeDef> nodes) {
    open.push(new MeasuredFunction(root, callees(nodes)));
    while (!open.isEmpty()) {
      MeasuredFunction function = open.element();
      if (function.next == function.callees.size()) {
        open.pop();
        sizes.put(function.name, size(function));
      } else {
        String callee = function.callees.get(function.next++);
        if (!sizes.containsKey(callee)) {
          enter(callee);
        }
      }
    }
  }

  private void enter(String name) {
    if (open.stream().anyMatch(function -> function.name.equals(name))) {
      throw location.malformed(
          "that function " + GraphLocation.quoted(name) + " calls itself",
          "functions without recursion");
    }
    if (open.size() > MAX_DEPTH) {
      throw location.malformed(
          "calls of functions nested more than " + MAX_DEPTH + " deep", "less");
    }
    List<NodeDef> nodes = library.function(name).map(FunctionDef::getNodeDefList).orElse(List.of());
    open.push(new MeasuredFunction(name, callees(nodes)));
  }

  private Size size(MeasuredFunction function) {
    long nodes = library.function(function.name).map(FunctionDef::getNodeDefCount).orElse(0);
    int depth = 0;
    for (String callee : function.callees) {
      Size size = sizes.get(callee);
      if (size != null) {
        nodes += size.nodes();
        depth = Math.max(depth, 1 + size.depth());
      }
      if (nodes > MAX_NODES) {
        throw location.malformed(
            "more than " + MAX_NODES + " nodes once functions are put in the place of their calls",
            "less");
      }
    }
    return new Size(nodes, depth);
  }

  private List<String> callees(List<NodeDef> nodes) {
    List<String> callees = new ArrayList<>();
    for (NodeDef node : nodes) {
      Stream.concat(
              Stream.of(node.getOp()),
              CallCheck.functions(node).stream().map(NameAttrList::getName))
          .filter(name -> library.function(name).isPresent())
          .forEach(callees::add);
    }
    return callees;
  }
}
