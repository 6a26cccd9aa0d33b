package io.tensorarrow.spark.model.safety;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiFunction;
import org.tensorflow.proto.NodeDef;

/** The nodes of a graph or of a function, which depend on each other by name. */
final class Body {
  private final Place place;
  private final FunctionLibrary library;
  private final List<Node> nodes;
  private final Map<String, Integer> numbers;

  /**
   * Checks each node for itself.
   *
   * @throws io.tensorarrow.spark.errors.TensorArrowException if one is malformed
   */
  Body(List<NodeDef> protos, FunctionLibrary library, Place place) {
    this.place = place;
    this.library = library;
    this.nodes = new ArrayList<>(protos.size());
    this.numbers = new HashMap<>(protos.size() * 2);
    for (NodeDef proto : protos) {
      requireName(proto.getName(), "a node", place);
      if (numbers.put(proto.getName(), nodes.size()) != null) {
        throw place.malformed(
            "two nodes named " + Place.quoted(proto.getName()), "a name of its own for each node");
      }
      nodes.add(node(proto));
    }
  }

  /** Checks that a name can be told from what refers to it. */
  static void requireName(String name, String what, Place place) {
    if (name.isEmpty() || name.startsWith("^") || name.indexOf(':') >= 0) {
      throw place.malformed(
          what + " named " + Place.quoted(name), "a name without '^' and ':', and not empty");
    }
  }

  private Node node(NodeDef proto) {
    Optional<Operation> found = library.operation(proto.getOp());
    if (found.isEmpty()) {
      return new Node(proto, Optional.empty(), Optional.empty());
    }
    Operation operation = found.get();
    Place at = place.node(proto.getName(), proto.getOp());
    AttributeCheck.check(proto.getAttrMap(), operation, at);
    new CallCheck(library, at).check(proto, operation);
    Attributes attributes = new Attributes(proto.getAttrMap(), operation);
    return new Node(
        proto,
        Argument.read(operation.definition().getInputArgList(), attributes, at),
        Argument.read(operation.definition().getOutputArgList(), attributes, at));
  }

  /** Returns the nodes. */
  List<Node> nodes() {
    return nodes;
  }

  /** Finds a node's number. */
  Optional<Integer> number(String name) {
    return Optional.ofNullable(numbers.get(name));
  }

  /**
   * Checks how the nodes are connected.
   *
   * @param resolver finds where an input comes from
   */
  void checkEdges(BiFunction<String, Place, Source> resolver) {
    Edges edges = new Edges(nodes.size());
    for (int i = 0; i < nodes.size(); i++) {
      Node node = nodes.get(i);
      List<Source> sources = sources(node, resolver);
      for (Source source : sources) {
        addEdge(edges, source.node(), i);
      }
      List<String> inputs = node.proto().getInputList();
      for (String control : inputs.subList(sources.size(), inputs.size())) {
        addEdge(edges, control(node, control), i);
      }
      node.inputs().ifPresent(expected -> checkInputs(node, expected, sources));
    }
    edges
        .findCycle()
        .ifPresent(
            number -> {
              throw nodes
                  .get(number)
                  .at(place)
                  .malformed(
                      "that it depends on itself", "no cycles but from NextIteration to Merge");
            });
  }

  /** Checks that loops which are entered are not empty: TensorFlow ends the process on those. */
  void checkFrames() {
    Set<String> users = new HashSet<>();
    for (Node node : nodes) {
      for (String input : node.proto().getInputList()) {
        String name = input.startsWith("^") ? input.substring(1) : input;
        int colon = name.indexOf(':');
        users.add(colon < 0 ? name : name.substring(0, colon));
      }
    }
    Set<String> used = new HashSet<>();
    nodes.stream()
        .filter(node -> node.isEnter() && users.contains(node.name()))
        .forEach(node -> used.add(node.frame()));
    for (Node node : nodes) {
      if (node.isEnter() && !used.contains(node.frame())) {
        throw node.at(place).malformed("a loop that is entered and empty", "loops with nodes");
      }
    }
  }

  private void addEdge(Edges edges, int from, int to) {
    boolean closesLoop = from >= 0 && nodes.get(from).isNextIteration() && nodes.get(to).isMerge();
    if (from >= 0 && !closesLoop) {
      edges.add(from, to);
    }
  }

  private List<Source> sources(Node node, BiFunction<String, Place, Source> resolver) {
    List<Source> sources = new ArrayList<>(node.proto().getInputCount());
    for (String input : node.proto().getInputList()) {
      if (input.startsWith("^")) {
        break;
      }
      sources.add(resolver.apply(input, node.at(place)));
    }
    return sources;
  }

  private int control(Node node, String input) {
    if (!input.startsWith("^")) {
      throw node.at(place)
          .malformed(
              "input " + Place.quoted(input) + " after a control input", "control inputs last");
    }
    return number(input.substring(1))
        .orElseThrow(
            () ->
                node.at(place)
                    .malformed(
                        "control input " + Place.quoted(input) + " from a node that does not exist",
                        "a node of the same graph or function"));
  }

  private void checkInputs(Node node, List<Argument> expected, List<Source> sources) {
    long known = 0;
    for (Source source : sources) {
      if (source.dtypes().isEmpty()) {
        return;
      }
      known += source.dtypes().get().size();
    }
    long total = Argument.total(expected);
    if (known != total) {
      throw node.at(place).malformed(known + " inputs", total + ", as its operation takes");
    }
    int argument = 0;
    int index = 0;
    for (int i = 0; i < sources.size(); i++) {
      for (int dtype : sources.get(i).dtypes().orElse(List.of())) {
        while (index == expected.get(argument).count()) {
          argument++;
          index = 0;
        }
        int wanted = expected.get(argument).dtype(index++);
        if (!compatible(wanted, dtype)) {
          throw node.at(place)
              .malformed(
                  "input " + Place.quoted(node.proto().getInput(i)) + " of " + Place.dtype(dtype),
                  Place.dtype(wanted));
        }
      }
    }
  }

  /** A reference of TF1 may go where a value is wanted, not the other way round. */
  static boolean compatible(int wanted, int found) {
    return wanted == 0
        || found == 0
        || wanted == (Place.isReference(wanted) ? found : Place.plain(found));
  }
}
