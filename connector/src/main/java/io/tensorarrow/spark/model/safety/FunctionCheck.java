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
  private final Place place;
  private final Body body;
  private final Map<String, Optional<Argument>> parameters = new HashMap<>();

  private FunctionCheck(FunctionDef function, FunctionLibrary library, Place place) {
    this.function = function;
    this.signature = new Operation(function.getSignature());
    this.place = place;
    this.body = new Body(function.getNodeDefList(), library, place);
  }

  /** Checks a function. */
  static void check(FunctionDef function, FunctionLibrary library, Place graph) {
    Place place = new Place(graph.model(), function.getSignature().getName(), "");
    new FunctionCheck(function, library, place).check();
  }

  private void check() {
    function
        .getAttrMap()
        .forEach((name, value) -> AttributeCheck.checkShapesAndTensors(name, value, place));
    readParameters();
    body.checkEdges(this::source);
    body.checkFrames();
    checkResults();
    checkControlResults();
    checkNumbers(function.getArgAttrMap().keySet(), "attributes");
    checkNumbers(function.getResourceArgUniqueIdMap().keySet(), "a resource");
    function
        .getArgAttrMap()
        .values()
        .forEach(
            attributes ->
                attributes
                    .getAttrMap()
                    .forEach((n, value) -> AttributeCheck.checkShapesAndTensors(n, value, place)));
  }

  private void readParameters() {
    Attributes leftToTheCaller = leftToTheCaller();
    for (OpDef.ArgDef parameter : function.getSignature().getInputArgList()) {
      String name = parameter.getName();
      Body.requireName(name, "a parameter", place);
      Optional<Argument> argument =
          Argument.read(List.of(parameter), leftToTheCaller, place).map(list -> list.get(0));
      argument.ifPresent(known -> requireDtypes(known, "parameter"));
      if (parameters.put(name, argument) != null || body.number(name).isPresent()) {
        throw place.malformed(
            "two parameters or nodes named " + Place.quoted(name), "a name of its own for each");
      }
    }
  }

  private Attributes leftToTheCaller() {
    Map<String, AttrValue> values = new HashMap<>();
    for (OpDef.AttrDef attribute : function.getSignature().getAttrList()) {
      values.put(
          attribute.getName(), AttrValue.newBuilder().setPlaceholder(attribute.getName()).build());
    }
    return new Attributes(values, signature);
  }

  private void requireDtypes(Argument argument, String what) {
    boolean leftOpen = function.getSignature().getAttrCount() > 0;
    for (int dtype : argument.dtypes()) {
      if (dtype == 0 && !leftOpen) {
        throw place.malformed(
            what + " " + Place.quoted(argument.name()) + " without dtype", "a dtype");
      }
    }
  }

  /** Finds what {@code parameter}, {@code node:output} or {@code node:output:index} stands for. */
  private Source source(String input, Place at) {
    if (parameters.containsKey(input)) {
      return whole(Source.PARAMETER, parameter(input));
    }
    int last = input.lastIndexOf(':');
    if (last < 0) {
      throw unknown(input, at);
    }
    String before = input.substring(0, last);
    String after = input.substring(last + 1);
    if (parameters.containsKey(before)) {
      return element(Source.PARAMETER, parameter(before), after, input, at);
    }
    int colon = before.indexOf(':');
    int number = number(colon < 0 ? before : before.substring(0, colon), input, at);
    Optional<List<Argument>> outputs = body.nodes().get(number).outputs();
    if (outputs.isEmpty()) {
      return new Source(number, Optional.empty());
    }
    String name = colon < 0 ? after : before.substring(colon + 1);
    Argument output =
        outputs.get().stream()
            .filter(argument -> argument.name().equals(name))
            .findFirst()
            .orElseThrow(() -> unknown(input, at));
    return colon < 0
        ? whole(number, Optional.of(output))
        : element(number, Optional.of(output), after, input, at);
  }

  private Optional<Argument> parameter(String name) {
    return parameters.getOrDefault(name, Optional.empty());
  }

  private int number(String node, String input, Place at) {
    return body.number(node).orElseThrow(() -> unknown(input, at));
  }

  private static Source whole(int node, Optional<Argument> argument) {
    return new Source(node, argument.map(known -> Argument.flat(List.of(known))));
  }

  private static Source element(
      int node, Optional<Argument> argument, String index, String input, Place at) {
    if (argument.isEmpty()) {
      return new Source(node, Optional.empty());
    }
    int number = index.matches("[0-9]{1,9}") ? Integer.parseInt(index) : Integer.MAX_VALUE;
    if (number >= argument.get().count()) {
      throw unknown(input, at);
    }
    return new Source(node, Optional.of(List.of(argument.get().dtype(number))));
  }

  private static TensorArrowException unknown(String input, Place at) {
    return at.malformed(
        "tensor " + Place.quoted(input) + ", which does not exist",
        "a parameter or an output of a node of the same function");
  }

  private void checkResults() {
    Attributes leftToTheCaller = leftToTheCaller();
    Set<String> names = new HashSet<>();
    for (OpDef.ArgDef result : function.getSignature().getOutputArgList()) {
      String name = result.getName();
      if (!names.add(name)) {
        throw place.malformed(
            "two results named " + Place.quoted(name), "a name of its own for each");
      }
      if (!function.containsRet(name)) {
        throw place.malformed(
            "result " + Place.quoted(name) + " without a value", "an output of a node for each");
      }
      String value = function.getRetOrThrow(name);
      Source source = source(value, place);
      Optional<Argument> declared =
          Argument.read(List.of(result), leftToTheCaller, place).map(list -> list.get(0));
      declared.ifPresent(known -> requireDtypes(known, "result"));
      if (declared.isPresent() && source.dtypes().isPresent()) {
        compare(name, value, Argument.flat(List.of(declared.get())), source.dtypes().get());
      }
    }
  }

  private void compare(String name, String value, List<Integer> declared, List<Integer> found) {
    boolean same = declared.size() == found.size();
    for (int i = 0; same && i < found.size(); i++) {
      same = Body.compatible(declared.get(i), found.get(i));
    }
    if (!same) {
      throw place.malformed(
          "result "
              + Place.quoted(name)
              + " from "
              + Place.quoted(value)
              + " of "
              + found.stream().map(Place::dtype).toList(),
          declared.stream().map(Place::dtype).toList() + ", as its signature says");
    }
  }

  private void checkControlResults() {
    for (String result : function.getSignature().getControlOutputList()) {
      if (!function.containsControlRet(result)) {
        throw place.malformed(
            "control result " + Place.quoted(result) + " without a node", "a node for each");
      }
    }
    List<String> nodes = new ArrayList<>(function.getControlRetMap().values());
    for (String node : nodes) {
      if (body.number(node).isEmpty()) {
        throw place.malformed(
            "control result from node " + Place.quoted(node) + ", which does not exist",
            "a node of the same function");
      }
    }
  }

  private void checkNumbers(Set<Integer> numbers, String what) {
    int count = function.getSignature().getInputArgCount();
    for (int number : numbers) {
      if (number < 0 || number >= count) {
        throw place.malformed(
            what + " for parameter " + number, "a number from 0 to " + (count - 1));
      }
    }
  }
}
