package io.tensorarrow.spark.model.safety;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.OpDef;

/**
 * A named input or output of an operation at a node: one tensor or several.
 *
 * @param name its name in the operation
 * @param count how many tensors
 * @param dtypes their dtypes, as TensorFlow's numbers, 0 where unknown; one that holds for all of
 *     them, or one for each
 */
record Argument(String name, int count, List<Integer> dtypes) {
  /** Far more than any operation of a real model, and harmless to allocate. */
  private static final long MAX_TENSORS = 1 << 20;

  /** Returns the dtype of one of the tensors. */
  int dtype(int index) {
    return dtypes.get(dtypes.size() == 1 ? 0 : index);
  }

  /**
   * Reads what an operation's arguments are at a node.
   *
   * @param definitions the arguments as the operation declares them
   * @param attributes the node's attributes, checked already
   * @return the arguments, or empty if their number depends on the function's caller
   */
  static Optional<List<Argument>> read(
      List<OpDef.ArgDef> definitions, NodeAttributes attributes, GraphLocation location) {
    List<Argument> arguments = new ArrayList<>(definitions.size());
    for (OpDef.ArgDef definition : definitions) {
      Optional<Argument> argument = read(definition, attributes, location);
      if (argument.isEmpty()) {
        return Optional.empty();
      }
      arguments.add(argument.get());
    }
    return Optional.of(arguments);
  }

  private static Optional<Argument> read(
      OpDef.ArgDef definition, NodeAttributes attributes, GraphLocation location) {
    String name = definition.getName();
    if (!definition.getTypeListAttr().isEmpty()) {
      AttrValue list = require(definition.getTypeListAttr(), attributes, location);
      return NodeAttributes.isPlaceholder(list)
          ? Optional.empty()
          : Optional.of(
              new Argument(name, list.getList().getTypeCount(), list.getList().getTypeValueList()));
    }
    long count = 1;
    if (!definition.getNumberAttr().isEmpty()) {
      AttrValue number = require(definition.getNumberAttr(), attributes, location);
      if (NodeAttributes.isPlaceholder(number)) {
        return Optional.empty();
      }
      count = number.getI();
      if (count < 0 || count > MAX_TENSORS) {
        throw location.malformed(
            count + " tensors by attribute " + GraphLocation.quoted(definition.getNumberAttr()),
            "0 to " + MAX_TENSORS);
      }
    }
    int dtype = dtype(definition, attributes, location);
    return Optional.of(
        new Argument(
            name,
            (int) count,
            List.of(definition.getIsRef() ? DtypeNumbers.reference(dtype) : dtype)));
  }

  private static int dtype(
      OpDef.ArgDef definition, NodeAttributes attributes, GraphLocation location) {
    if (definition.getTypeAttr().isEmpty()) {
      return definition.getTypeValue();
    }
    AttrValue type = require(definition.getTypeAttr(), attributes, location);
    return NodeAttributes.isPlaceholder(type) ? 0 : type.getTypeValue();
  }

  private static AttrValue require(String name, NodeAttributes attributes, GraphLocation location) {
    return attributes
        .find(name)
        .orElseThrow(
            () ->
                location.malformed(
                    "no attribute " + GraphLocation.quoted(name),
                    "it, because it says what is taken or given"));
  }

  /** Returns how many tensors the arguments are together. */
  static long total(List<Argument> arguments) {
    long total = 0;
    for (Argument argument : arguments) {
      total += argument.count();
    }
    return total;
  }

  /** Returns the dtypes of all tensors of the arguments, one after the other. */
  static List<Integer> flat(List<Argument> arguments) {
    List<Integer> flat = new ArrayList<>();
    for (Argument argument : arguments) {
      for (int i = 0; i < argument.count(); i++) {
        flat.add(argument.dtype(i));
      }
    }
    return flat;
  }
}
