package io.tensorarrow.spark.model.safety;

import com.google.protobuf.ByteString;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.OpDef;
import org.tensorflow.proto.TensorShapeProto;

/** Checks that a node's attributes are what its operation declares. */
final class AttributeCheck {
  private static final String LIST = "list(";

  private AttributeCheck() {}

  /**
   * Checks the attributes of a node.
   *
   * @param values the node's attributes; more than the operation has are TensorFlow's to refuse
   * @param operation the node's operation
   */
  static void check(Map<String, AttrValue> values, Operation operation, GraphLocation location) {
    values.forEach((name, value) -> checkShapesAndTensors(name, value, location));
    for (OpDef.AttrDef definition : operation.definition().getAttrList()) {
      AttrValue value = values.get(definition.getName());
      if (value != null) {
        if (!NodeAttributes.isPlaceholder(value)) {
          check(value, definition, location);
        }
      } else if (!definition.hasDefaultValue()) {
        throw location.malformed(
            "no attribute " + GraphLocation.quoted(definition.getName()),
            "one of type " + definition.getType());
      }
    }
    checkConstant(values, operation, location);
  }

  /**
   * Checks attributes of unknown meaning: those of TensorFlow itself, whose names begin with an
   * underscore, and those of functions.
   */
  static void checkShapesAndTensors(String name, AttrValue value, GraphLocation location) {
    switch (value.getValueCase()) {
      case SHAPE -> TensorCheck.checkShape(value.getShape(), location);
      case TENSOR -> TensorCheck.checkTensor(value.getTensor(), location);
      case LIST -> {
        for (TensorShapeProto shape : value.getList().getShapeList()) {
          TensorCheck.checkShape(shape, location);
        }
        value
            .getList()
            .getTensorList()
            .forEach(tensor -> TensorCheck.checkTensor(tensor, location));
      }
      case S, I, F, B, TYPE, FUNC, PLACEHOLDER, VALUE_NOT_SET -> {}
    }
  }

  private static void check(AttrValue value, OpDef.AttrDef definition, GraphLocation location) {
    String type = definition.getType();
    String actualType = type(value, type);
    if (!actualType.equals(type)) {
      throw location.malformed(
          "attribute " + GraphLocation.quoted(definition.getName()) + " of type " + actualType,
          "type " + type);
    }
    switch (type) {
      case "type" -> checkType(value.getTypeValue(), definition, location);
      case "list(type)" ->
          value.getList().getTypeValueList().forEach(t -> checkType(t, definition, location));
      case "string" -> checkAllowed(value.getS(), definition, location);
      case "list(string)" ->
          value.getList().getSList().forEach(text -> checkAllowed(text, definition, location));
      default -> {
        // Numbers, shapes and functions have no list of allowed values.
      }
    }
    if (definition.getHasMinimum()) {
      checkMinimum(value, definition, location);
    }
  }

  /**
   * Returns the type of a value, in the words of TensorFlow's definitions. An empty list is of
   * every type of lists, and so is a value that is left out.
   */
  private static String type(AttrValue value, String expected) {
    return switch (value.getValueCase()) {
      case S -> "string";
      case I -> "int";
      case F -> "float";
      case B -> "bool";
      case TYPE -> "type";
      case SHAPE -> "shape";
      case TENSOR -> "tensor";
      case FUNC -> "func";
      case PLACEHOLDER -> "placeholder";
      case VALUE_NOT_SET -> expected.startsWith(LIST) ? expected : "none";
      case LIST -> listType(value.getList(), expected);
    };
  }

  private static String listType(AttrValue.ListValue list, String expected) {
    Set<String> types = new HashSet<>();
    addUnlessEmpty(types, "string", list.getSCount());
    addUnlessEmpty(types, "int", list.getICount());
    addUnlessEmpty(types, "float", list.getFCount());
    addUnlessEmpty(types, "bool", list.getBCount());
    addUnlessEmpty(types, "type", list.getTypeCount());
    addUnlessEmpty(types, "shape", list.getShapeCount());
    addUnlessEmpty(types, "tensor", list.getTensorCount());
    addUnlessEmpty(types, "func", list.getFuncCount());
    if (types.isEmpty()) {
      return expected.startsWith(LIST) ? expected : "list";
    }
    return LIST + String.join(" and ", types.stream().sorted().toList()) + ")";
  }

  private static void addUnlessEmpty(Set<String> types, String type, int count) {
    if (count > 0) {
      types.add(type);
    }
  }

  private static void checkType(int number, OpDef.AttrDef definition, GraphLocation location) {
    if (number == DataType.DT_INVALID_VALUE
        || DtypeNumbers.isReference(number)
        || DataType.forNumber(number) == null) {
      throw location.malformed(
          DtypeNumbers.name(number)
              + " for attribute "
              + GraphLocation.quoted(definition.getName()),
          "a dtype of TensorFlow 2.18");
    }
    if (definition.hasAllowedValues()) {
      List<Integer> allowed = definition.getAllowedValues().getList().getTypeValueList();
      if (!allowed.contains(number)) {
        throw location.malformed(
            DtypeNumbers.name(number)
                + " for attribute "
                + GraphLocation.quoted(definition.getName()),
            "one of " + String.join(", ", allowed.stream().map(DtypeNumbers::name).toList()));
      }
    }
  }

  private static void checkAllowed(
      ByteString text, OpDef.AttrDef definition, GraphLocation location) {
    if (definition.hasAllowedValues()
        && !definition.getAllowedValues().getList().getSList().contains(text)) {
      throw location.malformed(
          GraphLocation.quoted(text.toStringUtf8())
              + " for attribute "
              + GraphLocation.quoted(definition.getName()),
          "one of "
              + String.join(
                  ", ",
                  definition.getAllowedValues().getList().getSList().stream()
                      .map(ByteString::toStringUtf8)
                      .toList()));
    }
  }

  private static void checkMinimum(
      AttrValue value, OpDef.AttrDef definition, GraphLocation location) {
    boolean list = definition.getType().startsWith(LIST);
    long actual = list ? length(value.getList()) : value.getI();
    if (actual < definition.getMinimum()) {
      throw location.malformed(
          (list ? "a list of length " : "the number ")
              + actual
              + " for attribute "
              + GraphLocation.quoted(definition.getName()),
          "at least " + definition.getMinimum());
    }
  }

  private static int length(AttrValue.ListValue list) {
    return list.getSCount()
        + list.getICount()
        + list.getFCount()
        + list.getBCount()
        + list.getTypeCount()
        + list.getShapeCount()
        + list.getTensorCount()
        + list.getFuncCount();
  }

  private static void checkConstant(
      Map<String, AttrValue> values, Operation operation, GraphLocation location) {
    AttrValue dtype = values.get("dtype");
    AttrValue value = values.get("value");
    if (operation.definition().getName().equals("Const")
        && dtype != null
        && value != null
        && dtype.getValueCase() == AttrValue.ValueCase.TYPE
        && value.getValueCase() == AttrValue.ValueCase.TENSOR
        && dtype.getTypeValue() != value.getTensor().getDtypeValue()) {
      throw location.malformed(
          "a value of " + DtypeNumbers.name(value.getTensor().getDtypeValue()),
          DtypeNumbers.name(dtype.getTypeValue()) + ", as the attribute 'dtype' says");
    }
  }
}
