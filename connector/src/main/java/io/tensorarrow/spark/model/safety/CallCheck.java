package io.tensorarrow.spark.model.safety;

import io.tensorarrow.spark.errors.TensorArrowException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.NameAttrList;
import org.tensorflow.proto.NodeDef;

/**
 * Checks that the functions which a node calls exist, and take and give what the node says. Which
 * attributes name functions, and which arguments they get, depends on the operation.
 */
final class CallCheck {
  private final FunctionLibrary library;
  private final GraphLocation location;

  CallCheck(FunctionLibrary library, GraphLocation location) {
    this.library = library;
    this.location = location;
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
    NodeAttributes attributes = new NodeAttributes(node.getAttrMap(), operation);
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
        // The condition may return any dtype, which is converted to a bool.
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
        // Other operations pass arbitrary arguments to their functions.
      }
    }
  }

  private static List<Integer> withIndex(List<Integer> types) {
    List<Integer> indexAndTypes = new ArrayList<>(List.of(DataType.DT_INT32_VALUE));
    indexAndTypes.addAll(types);
    return indexAndTypes;
  }

  private static Optional<List<Integer>> types(NodeAttributes attributes, String name) {
    return attributes
        .find(name)
        .filter(value -> !NodeAttributes.isPlaceholder(value))
        .map(value -> value.getList().getTypeValueList());
  }

  private void call(
      NodeAttributes attributes,
      String name,
      Optional<List<Integer>> inputs,
      Optional<List<Integer>> outputs) {
    AttrValue value = attributes.find(name).orElseThrow();
    if (NodeAttributes.isPlaceholder(value)) {
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
      NodeAttributes callAttributes = new NodeAttributes(function.getAttrMap(), signature);
      requireSame(
          function.getName(),
          "takes",
          Argument.read(signature.definition().getInputArgList(), callAttributes, location),
          inputs);
      requireSame(
          function.getName(),
          "gives",
          Argument.read(signature.definition().getOutputArgList(), callAttributes, location),
          outputs);
    }
  }

  private void requireSame(
      String function,
      String verb,
      Optional<List<Argument>> declared,
      Optional<List<Integer>> expected) {
    if (declared.isEmpty() || expected.isEmpty()) {
      return;
    }
    List<Integer> actual = Argument.flat(declared.get());
    if (!DtypeNumbers.areCompatible(expected.get(), actual)) {
      throw location.malformed(
          "that it calls function "
              + GraphLocation.quoted(function)
              + ", which "
              + verb
              + " "
              + list(actual),
          list(expected.get()) + ", as its attributes say");
    }
  }

  private static String list(List<Integer> types) {
    List<String> names = types.stream().map(CallCheck::name).toList();
    return names.isEmpty() ? "nothing" : String.join(", ", names);
  }

  private static String name(int type) {
    return type == 0 ? "any dtype" : DtypeNumbers.name(type);
  }

  private TensorArrowException noSuchFunction(String name) {
    return location.malformed(
        "that it calls function " + GraphLocation.quoted(name) + ", which does not exist",
        "a function of the graph's library");
  }
}
