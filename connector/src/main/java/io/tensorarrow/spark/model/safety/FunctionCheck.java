package io.tensorarrow.spark.model.safety;

import io.tensorarrow.spark.errors.TensorArrowException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.FunctionDef;
import org.tensorflow.proto.OpDef;

/** Checks one function of a graph's library. */
final class FunctionCheck {
  private final FunctionDef function;
  private final Operation signature;
  private final GraphLocation location;
  private final GraphBody body;
  private final Map<String, Optional<Argument>> parameters = new HashMap<>();

  private FunctionCheck(FunctionDef function, FunctionLibrary library, GraphLocation location) {
    this.function = function;
    this.signature = new Operation(function.getSignature());
    this.location = location;
    this.body = new GraphBody(function.getNodeDefList(), library, location);
  }

  static void check(FunctionDef function, FunctionLibrary library, GraphLocation graph) {
    GraphLocation location =
        new GraphLocation(graph.model(), function.getSignature().getName(), "");
    new FunctionCheck(function, library, location).check();
  }

  private void check() {
    function
        .getAttrMap()
        .forEach((name, value) -> AttributeCheck.checkShapesAndTensors(name, value, location));
    readParameters();
    body.checkConnections(this::source);
    body.checkFrames();
    checkResults();
    checkControlResults();
    checkParameterNumbers(function.getArgAttrMap().keySet(), "attributes");
    checkParameterNumbers(function.getResourceArgUniqueIdMap().keySet(), "a resource");
    function
        .getArgAttrMap()
        .values()
        .forEach(
            attributes ->
                attributes
                    .getAttrMap()
                    .forEach(
                        (n, value) -> AttributeCheck.checkShapesAndTensors(n, value, location)));
  }

  private void readParameters() {
    NodeAttributes leftToTheCaller = leftToTheCaller();
    for (OpDef.ArgDef parameter : function.getSignature().getInputArgList()) {
      String name = parameter.getName();
      GraphBody.requireName(name, "a parameter", location);
      Optional<Argument> argument =
          Argument.read(List.of(parameter), leftToTheCaller, location).map(list -> list.get(0));
      argument.ifPresent(known -> requireDtypes(known, "parameter"));
      if (parameters.put(name, argument) != null || body.number(name).isPresent()) {
        throw location.malformed(
            "two parameters or nodes named " + GraphLocation.quoted(name),
            "a name of its own for each");
      }
    }
  }

  private NodeAttributes leftToTheCaller() {
    Map<String, AttrValue> values = new HashMap<>();
    for (OpDef.AttrDef attribute : function.getSignature().getAttrList()) {
      values.put(
          attribute.getName(), AttrValue.newBuilder().setPlaceholder(attribute.getName()).build());
    }
    return new NodeAttributes(values, signature);
  }

  private void requireDtypes(Argument argument, String what) {
    boolean leftOpen = function.getSignature().getAttrCount() > 0;
    for (int dtype : argument.dtypes()) {
      if (dtype == 0 && !leftOpen) {
        throw location.malformed(
            what + " " + GraphLocation.quoted(argument.name()) + " without dtype", "a dtype");
      }
    }
  }

  /** Finds what {@code parameter}, {@code node:output} or {@code node:output:index} stands for. */
  private InputSource source(String input, GraphLocation inputLocation) {
    if (parameters.containsKey(input)) {
      return allTensors(InputSource.PARAMETER, parameter(input));
    }
    int last = input.lastIndexOf(':');
    if (last < 0) {
      throw unknown(input, inputLocation);
    }
    String before = input.substring(0, last);
    String after = input.substring(last + 1);
    if (parameters.containsKey(before)) {
      return oneTensor(InputSource.PARAMETER, parameter(before), after, input, inputLocation);
    }
    int colon = before.indexOf(':');
    int number = number(colon < 0 ? before : before.substring(0, colon), input, inputLocation);
    Optional<List<Argument>> outputs = body.nodes().get(number).outputs();
    if (outputs.isEmpty()) {
      return new InputSource(number, Optional.empty());
    }
    String name = colon < 0 ? after : before.substring(colon + 1);
    Argument output =
        outputs.get().stream()
            .filter(argument -> argument.name().equals(name))
            .findFirst()
            .orElseThrow(() -> unknown(input, inputLocation));
    return colon < 0
        ? allTensors(number, Optional.of(output))
        : oneTensor(number, Optional.of(output), after, input, inputLocation);
  }

  private Optional<Argument> parameter(String name) {
    return parameters.getOrDefault(name, Optional.empty());
  }

  private int number(String node, String input, GraphLocation inputLocation) {
    return body.number(node).orElseThrow(() -> unknown(input, inputLocation));
  }

  private static InputSource allTensors(int node, Optional<Argument> argument) {
    return new InputSource(node, argument.map(known -> Argument.flat(List.of(known))));
  }

  private static InputSource oneTensor(
      int node,
      Optional<Argument> argument,
      String index,
      String input,
      GraphLocation inputLocation) {
    if (argument.isEmpty()) {
      return new InputSource(node, Optional.empty());
    }
    int number = index.matches("[0-9]{1,9}") ? Integer.parseInt(index) : Integer.MAX_VALUE;
    if (number >= argument.get().count()) {
      throw unknown(input, inputLocation);
    }
    return new InputSource(node, Optional.of(List.of(argument.get().dtype(number))));
  }

  private static TensorArrowException unknown(String input, GraphLocation inputLocation) {
    return inputLocation.malformed(
        "tensor " + GraphLocation.quoted(input) + ", which does not exist",
        "a parameter or an output of a node of the same function");
  }

  private void checkResults() {
    NodeAttributes leftToTheCaller = leftToTheCaller();
    Set<String> names = new HashSet<>();
    for (OpDef.ArgDef result : function.getSignature().getOutputArgList()) {
      String name = result.getName();
      if (!names.add(name)) {
        throw location.malformed(
            "two results named " + GraphLocation.quoted(name), "a name of its own for each");
      }
      if (!function.containsRet(name)) {
        throw location.malformed(
            "result " + GraphLocation.quoted(name) + " without a value",
            "an output of a node for each");
      }
      String value = function.getRetOrThrow(name);
      InputSource source = source(value, location);
      Optional<Argument> declared =
          Argument.read(List.of(result), leftToTheCaller, location).map(list -> list.get(0));
      declared.ifPresent(known -> requireDtypes(known, "result"));
      if (declared.isPresent() && source.dtypes().isPresent()) {
        requireDeclaredDtypes(
            name, value, Argument.flat(List.of(declared.get())), source.dtypes().get());
      }
    }
  }

  private void requireDeclaredDtypes(
      String name, String value, List<Integer> declared, List<Integer> actual) {
    if (!DtypeNumbers.areCompatible(declared, actual)) {
      throw location.malformed(
          "result "
              + GraphLocation.quoted(name)
              + " from "
              + GraphLocation.quoted(value)
              + " of "
              + actual.stream().map(DtypeNumbers::name).toList(),
          declared.stream().map(DtypeNumbers::name).toList() + ", as its signature says");
    }
  }

  private void checkControlResults() {
    for (String result : function.getSignature().getControlOutputList()) {
      if (!function.containsControlRet(result)) {
        throw location.malformed(
            "control result " + GraphLocation.quoted(result) + " without a node",
            "a node for each");
      }
    }
    List<String> nodes = new ArrayList<>(function.getControlRetMap().values());
    for (String node : nodes) {
      if (body.number(node).isEmpty()) {
        throw location.malformed(
            "control result from node " + GraphLocation.quoted(node) + ", which does not exist",
            "a node of the same function");
      }
    }
  }

  private void checkParameterNumbers(Set<Integer> numbers, String what) {
    int count = function.getSignature().getInputArgCount();
    for (int number : numbers) {
      if (number < 0 || number >= count) {
        throw location.malformed(
            what + " for parameter " + number, "a number from 0 to " + (count - 1));
      }
    }
  }
}
