package io.tensorarrow.spark.model.safety;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
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
import org.jspecify.annotations.Nullable;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.FunctionDef;
import org.tensorflow.proto.GradientDef;
import org.tensorflow.proto.GraphDef;
import org.tensorflow.proto.NameAttrList;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.proto.OpDef;

/**
 * A graph and its function library without constants: who depends on whom, and who calls whom.
 * Immutable.
 */
final class OpGraph {
  private static final List<String> FILE_ATTRIBUTES = List.of("descriptor_source", "vocab_file");

  /** With these, constants and parsers say that they make handles. */
  private static final List<String> HANDLE_ATTRIBUTES = List.of("dtype", "out_type");

  /** TensorFlow may run one function instead of another if both have the same value of this. */
  private static final String INTERCHANGEABLE = "api_implements";

  private final Map<String, Node> nodes = new HashMap<>();
  private final Map<String, Function> functions = new HashMap<>();

  /**
   * What matters of a node.
   *
   * @param inputs its inputs as the graph spells them
   * @param callees the functions that it names, whether or not the library has them
   * @param passedOn the functions that it names for those functions to call
   * @param namesFile whether an attribute names a file
   * @param variable the name of the variable whose handle it is, empty if it may be any, or none if
   *     it is no handle
   */
  record Node(
      String name,
      String op,
      List<String> inputs,
      List<String> callees,
      List<String> passedOn,
      boolean namesFile,
      Optional<String> variable) {}

  /**
   * A function of the library.
   *
   * @param arguments their names, in order; none if one of them stands for several tensors
   * @param nodes its body, in order
   * @param alternatives itself and what TensorFlow may run in its place or along with it
   */
  private record Function(List<String> arguments, List<Node> nodes, Set<String> alternatives) {}

  /**
   * By which functions a node was reached.
   *
   * @param caller where its function was called, null for the graph itself
   * @param function the function that has the node, empty for the graph itself
   */
  record Path(@Nullable Path caller, String function) {
    private static final Path GRAPH = new Path(null, "");

    /** Returns the functions from the one that the graph calls to the one that has the node. */
    List<String> functions() {
      List<String> functions = new ArrayList<>();
      for (Path path = this; path != null && path.caller() != null; path = path.caller()) {
        functions.add(path.function());
      }
      Collections.reverse(functions);
      return functions;
    }
  }

  OpGraph(GraphDef proto) {
    for (NodeDef node : proto.getNodeList()) {
      nodes.put(node.getName(), node(node));
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
          new Function(
              arguments(def.getSignature()),
              def.getNodeDefList().stream().map(OpGraph::node).toList(),
              alternatives));
    }
    for (GradientDef gradient : proto.getLibrary().getGradientList()) {
      Function function = functions.get(gradient.getFunctionName());
      if (function != null) {
        function.alternatives().add(gradient.getGradientFunc());
      }
    }
  }

  /** Returns what matters of a node. */
  static Node node(NodeDef def) {
    List<String> callees = new ArrayList<>();
    List<String> passedOn = new ArrayList<>();
    functionsIn(def.getAttrMap())
        .forEach(
            function -> {
              callees.add(function.getName());
              addNested(function, passedOn);
            });
    boolean namesFile =
        FILE_ATTRIBUTES.stream()
            .anyMatch(name -> isFile(def.getAttrOrDefault(name, AttrValue.getDefaultInstance())));
    return new Node(
        def.getName(),
        def.getOp(),
        List.copyOf(def.getInputList()),
        List.copyOf(callees),
        List.copyOf(passedOn),
        namesFile,
        variable(def));
  }

  private static Optional<String> variable(NodeDef def) {
    boolean isHandle = def.getOp().equals("VarHandleOp");
    boolean isConstantHandle =
        HANDLE_ATTRIBUTES.stream()
            .map(name -> def.getAttrOrDefault(name, AttrValue.getDefaultInstance()))
            .anyMatch(
                dtype ->
                    dtype.getType() == DataType.DT_RESOURCE
                        || (def.getOp().equals("Const") && isLeftToCallers(dtype)));
    return isHandle || isConstantHandle
        ? Optional.of(
            def.getAttrOrDefault("shared_name", AttrValue.getDefaultInstance())
                .getS()
                .toStringUtf8())
        : Optional.empty();
  }

  private static List<String> arguments(OpDef signature) {
    return signature.getInputArgList().stream()
            .allMatch(arg -> arg.getNumberAttr().isEmpty() && arg.getTypeListAttr().isEmpty())
        ? signature.getInputArgList().stream().map(OpDef.ArgDef::getName).toList()
        : List.of();
  }

  private static Stream<NameAttrList> functionsIn(Map<String, AttrValue> attributes) {
    return attributes.values().stream()
        .flatMap(
            value ->
                Stream.concat(Stream.of(value.getFunc()), value.getList().getFuncList().stream()))
        .filter(function -> !function.getName().isEmpty());
  }

  /** Recurses no deeper than protocol buffers let messages be nested. */
  private static void addNested(NameAttrList function, List<String> names) {
    functionsIn(function.getAttrMap())
        .forEach(
            nested -> {
              names.add(nested.getName());
              addNested(nested, names);
            });
  }

  /** A function's body may leave an attribute to its callers, who may name a file there. */
  private static boolean isFile(AttrValue value) {
    String text = value.getS().toStringUtf8();
    return isLeftToCallers(value)
        || (!text.isEmpty() && !text.equals("local://") && !text.startsWith("bytes://"));
  }

  private static boolean isLeftToCallers(AttrValue value) {
    return value.getValueCase() == AttrValue.ValueCase.PLACEHOLDER;
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
  Optional<Node> find(String function, String node) {
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
    Function body = function.isEmpty() ? null : functions.get(function);
    return body == null ? -1 : body.arguments().indexOf(name);
  }

  /** Returns the functions that the node calls with its own inputs. */
  Set<String> called(Node node) {
    return alternatives(isFunction(node.op()) ? Stream.of(node.op()) : node.callees().stream());
  }

  /** Returns the functions that are called, with whatever inputs, by those that the node calls. */
  Set<String> passedOn(Node node) {
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
  void walk(Collection<String> roots, Set<String> leaves, BiConsumer<Path, Node> visitor) {
    Deque<Path> called = new ArrayDeque<>();
    Set<String> seenFunctions = new HashSet<>();
    Set<String> seen = new HashSet<>();
    Deque<String> open = new ArrayDeque<>(roots);
    while (!open.isEmpty()) {
      String name = open.pop();
      Node node = nodes.get(name);
      if (node != null && !leaves.contains(name) && seen.add(name)) {
        visitor.accept(Path.GRAPH, node);
        call(Path.GRAPH, node, seenFunctions, called);
        node.inputs().forEach(input -> open.push(source(input)));
      }
    }
    while (!called.isEmpty()) {
      Path path = called.poll();
      Function function = functions.get(path.function());
      if (function != null) {
        for (Node node : function.nodes()) {
          visitor.accept(path, node);
          call(path, node, seenFunctions, called);
        }
      }
    }
  }

  private void call(Path path, Node node, Set<String> seen, Deque<Path> called) {
    Stream.concat(called(node).stream(), passedOn(node).stream())
        .filter(seen::add)
        .forEach(callee -> called.add(new Path(path, callee)));
  }

  /** Returns the node or argument behind {@code ^node}, {@code node:1} or {@code node:out:0}. */
  static String source(String input) {
    int begin = input.startsWith("^") ? 1 : 0;
    int colon = input.indexOf(':');
    return input.substring(begin, colon < begin ? input.length() : colon);
  }
}
