package io.tensorarrow.spark.model.safety;

import io.tensorarrow.spark.errors.TensorArrowException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.NameAttrList;
import org.tensorflow.proto.NodeDef;

/**
 * Checks that the functions which a node calls exist, and take and give what the node says; what
 * TensorFlow does else depends on the operation.
 */
final class CallCheck {
  private final FunctionLibrary library;
  private final Place place;

  CallCheck(FunctionLibrary library, Place place) {
    this.library = library;
    this.place = place;
  }

  /** Returns all functions that a node names, in attributes or as its operation. */
  static List<NameAttrList> functions(NodeDef node) {
    List<NameAttrList> functions = new ArrayList<>();
    node.getAttrMap()
        .forEach(
            (name, value) -> {
              if (name.startsWith("_")) {
                return;
              }
              if (value.getValueCase() == AttrValue.ValueCase.FUNC) {
                functions.add(value.getFunc());
              } else if (value.getValueCase() == AttrValue.ValueCase.LIST) {
                functions.addAll(value.getList().getFuncList());
              }
            });
    return functions;
  }

  /** Checks the functions of a node whose attributes are of the right types. */
  void check(NodeDef node, Operation operation) {
    for (NameAttrList function : functions(node)) {
      if (!function.getName().isEmpty() && !library.knows(function.getName())) {
        throw noSuchFunction(function.getName());
      }
    }
    Attributes attributes = new Attributes(node.getAttrMap(), operation);
    switch (node.getOp()) {
      case "PartitionedCall", "StatefulPartitionedCall" ->
          call(attributes, "f", types(attributes, "Tin"), types(attributes, "Tout"));
      case "If", "StatelessIf", "_If" -> {
        call(attributes, "then_branch", types(attributes, "Tin"), types(attributes, "Tout"));
        call(attributes, "else_branch", types(attributes, "Tin"), types(attributes, "Tout"));
      }
      case "Case", "StatelessCase" ->
          call(attributes, "branches", types(attributes, "Tin"), types(attributes, "Tout"));
      case "While", "StatelessWhile", "_While" -> {
        // Whatever the condition gives is converted to a bool.
        call(attributes, "cond", types(attributes, "T"), Optional.of(List.of(0)));
        call(attributes, "body", types(attributes, "T"), types(attributes, "T"));
      }
      case "For" ->
          call(
              attributes,
              "body",
              types(attributes, "T").map(CallCheck::withIndex),
              types(attributes, "T"));
      default -> {
        // Other operations make of their functions' parameters what they like.
      }
    }
  }

  private static List<Integer> withIndex(List<Integer> types) {
    List<Integer> all = new ArrayList<>(List.of(DataType.DT_INT32_VALUE));
    all.addAll(types);
    return all;
  }

  private static Optional<List<Integer>> types(Attributes attributes, String name) {
    return attributes
        .find(name)
        .filter(value -> !Attributes.isPlaceholder(value))
        .map(value -> value.getList().getTypeValueList());
  }

  private void call(
      Attributes attributes,
      String name,
      Optional<List<Integer>> inputs,
      Optional<List<Integer>> outputs) {
    AttrValue value = attributes.find(name).orElseThrow();
    if (Attributes.isPlaceholder(value)) {
      return;
    }
    List<NameAttrList> called =
        value.getValueCase() == AttrValue.ValueCase.FUNC
            ? List.of(value.getFunc())
            : value.getList().getFuncList();
    for (NameAttrList function : called) {
      Operation signature =
          library
              .signature(function.getName())
              .orElseThrow(() -> noSuchFunction(function.getName()));
      Map<String, AttrValue> bound = function.getAttrMap();
      Attributes its = new Attributes(bound, signature);
      compare(
          function.getName(),
          "takes",
          Argument.read(signature.definition().getInputArgList(), its, place),
          inputs);
      compare(
          function.getName(),
          "gives",
          Argument.read(signature.definition().getOutputArgList(), its, place),
          outputs);
    }
  }

  private void compare(
      String function,
      String verb,
      Optional<List<Argument>> declared,
      Optional<List<Integer>> wanted) {
    if (declared.isEmpty() || wanted.isEmpty()) {
      return;
    }
    List<Integer> found = Argument.flat(declared.get());
    boolean same = found.size() == wanted.get().size();
    for (int i = 0; same && i < found.size(); i++) {
      same = Body.compatible(wanted.get().get(i), found.get(i));
    }
    if (!same) {
      throw place.malformed(
          "that it calls function "
              + Place.quoted(function)
              + ", which "
              + verb
              + " "
              + list(found),
          list(wanted.get()) + ", as its attributes say");
    }
  }

  private static String list(List<Integer> types) {
    List<String> names = types.stream().map(CallCheck::name).toList();
    return names.isEmpty() ? "nothing" : String.join(", ", names);
  }

  private static String name(int type) {
    return type == 0 ? "any dtype" : Place.dtype(type);
  }

  private TensorArrowException noSuchFunction(String name) {
    return place.malformed(
        "that it calls function " + Place.quoted(name) + ", which does not exist",
        "a function of the graph's library");
  }
}
