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
final class GraphBody {
  private final GraphLocation location;
  private final FunctionLibrary library;
  private final List<CheckedNode> nodes;
  private final Map<String, Integer> numbers;

  /**
   * Checks each node for itself.
   *
   * @throws io.tensorarrow.spark.errors.TensorArrowException if one is malformed
   */
  GraphBody(List<NodeDef> protos, FunctionLibrary library, GraphLocation location) {
    this.location = location;
    this.library = library;
    this.nodes = new ArrayList<>(protos.size());
    this.numbers = new HashMap<>(protos.size() * 2);
    for (NodeDef proto : protos) {
      requireName(proto.getName(), "a node", location);
      if (numbers.put(proto.getName(), nodes.size()) != null) {
        throw location.malformed(
            "two nodes named " + GraphLocation.quoted(proto.getName()),
            "a name of its own for each node");
      }
      nodes.add(node(proto));
    }
  }

  /** Checks that a name can be told from what refers to it. */
  static void requireName(String name, String what, GraphLocation location) {
    if (name.isEmpty() || name.startsWith("^") || name.indexOf(':') >= 0) {
      throw location.malformed(
          what + " named " + GraphLocation.quoted(name),
          "a name without '^' and ':', and not empty");
    }
  }

  private CheckedNode node(NodeDef proto) {
    Optional<Operation> known = library.operation(proto.getOp());
    if (known.isEmpty()) {
      return new CheckedNode(proto, Optional.empty(), Optional.empty());
    }
    Operation operation = known.get();
    GraphLocation nodeLocation = location.node(proto.getName(), proto.getOp());
    AttributeCheck.check(proto.getAttrMap(), operation, nodeLocation);
    new CallCheck(library, nodeLocation).check(proto, operation);
    NodeAttributes attributes = new NodeAttributes(proto.getAttrMap(), operation);
    return new CheckedNode(
        proto,
        Argument.read(operation.definition().getInputArgList(), attributes, nodeLocation),
        Argument.read(operation.definition().getOutputArgList(), attributes, nodeLocation));
  }

  /** Returns the nodes. */
  List<CheckedNode> nodes() {
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
  void checkConnections(BiFunction<String, GraphLocation, InputSource> resolver) {
    Dependencies dependencies = new Dependencies(nodes.size());
    for (int i = 0; i < nodes.size(); i++) {
      CheckedNode node = nodes.get(i);
      List<InputSource> sources = sources(node, resolver);
      for (InputSource source : sources) {
        addDependency(dependencies, source.node(), i);
      }
      List<String> inputs = node.proto().getInputList();
      for (String control : inputs.subList(sources.size(), inputs.size())) {
        addDependency(dependencies, control(node, control), i);
      }
      node.inputs().ifPresent(expected -> checkInputs(node, expected, sources));
    }
    dependencies
        .findCycle()
        .ifPresent(
            number -> {
              throw nodes
                  .get(number)
                  .in(location)
                  .malformed(
                      "that it depends on itself", "no cycles but from NextIteration to Merge");
            });
  }

  /** Checks that loops which are entered are not empty: TensorFlow ends the process on those. */
  void checkFrames() {
    Set<String> users = new HashSet<>();
    for (CheckedNode node : nodes) {
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
    for (CheckedNode node : nodes) {
      if (node.isEnter() && !used.contains(node.frame())) {
        throw node.in(location).malformed("a loop that is entered and empty", "loops with nodes");
      }
    }
  }

  private void addDependency(Dependencies dependencies, int from, int to) {
    boolean closesLoop = from >= 0 && nodes.get(from).isNextIteration() && nodes.get(to).isMerge();
    if (from >= 0 && !closesLoop) {
      dependencies.add(from, to);
    }
  }

  private List<InputSource> sources(
      CheckedNode node, BiFunction<String, GraphLocation, InputSource> resolver) {
    List<InputSource> sources = new ArrayList<>(node.proto().getInputCount());
    for (String input : node.proto().getInputList()) {
      if (input.startsWith("^")) {
        break;
      }
      sources.add(resolver.apply(input, node.in(location)));
    }
    return sources;
  }

  private int control(CheckedNode node, String input) {
    if (!input.startsWith("^")) {
      throw node.in(location)
          .malformed(
              "input " + GraphLocation.quoted(input) + " after a control input",
              "control inputs last");
    }
    return number(input.substring(1))
        .orElseThrow(
            () ->
                node.in(location)
                    .malformed(
                        "control input "
                            + GraphLocation.quoted(input)
                            + " from a node that does not exist",
                        "a node of the same graph or function"));
  }

  private void checkInputs(CheckedNode node, List<Argument> expected, List<InputSource> sources) {
    long actualCount = 0;
    for (InputSource source : sources) {
      if (source.dtypes().isEmpty()) {
        return;
      }
      actualCount += source.dtypes().get().size();
    }
    long expectedCount = Argument.total(expected);
    if (actualCount != expectedCount) {
      throw node.in(location)
          .malformed(actualCount + " inputs", expectedCount + ", as its operation takes");
    }
    int argument = 0;
    int index = 0;
    for (int i = 0; i < sources.size(); i++) {
      for (int dtype : sources.get(i).dtypes().orElse(List.of())) {
        while (index == expected.get(argument).count()) {
          argument++;
          index = 0;
        }
        int expectedDtype = expected.get(argument).dtype(index++);
        if (!DtypeNumbers.isCompatible(expectedDtype, dtype)) {
          throw node.in(location)
              .malformed(
                  "input "
                      + GraphLocation.quoted(node.proto().getInput(i))
                      + " of "
                      + DtypeNumbers.name(dtype),
                  DtypeNumbers.name(expectedDtype));
        }
      }
    }
  }
}
