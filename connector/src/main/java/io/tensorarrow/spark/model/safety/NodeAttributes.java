package io.tensorarrow.spark.model.safety;

import java.util.Map;
import java.util.Optional;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.OpDef;

/**
 * A node's attributes with the defaults of its operation. A value may be a placeholder, for which
 * the caller of a function puts its own: that value is unknown here.
 */
final class NodeAttributes {
  private final Map<String, AttrValue> values;
  private final Operation operation;

  NodeAttributes(Map<String, AttrValue> values, Operation operation) {
    this.values = values;
    this.operation = operation;
  }

  /** Finds a value, or else its default. */
  Optional<AttrValue> find(String name) {
    AttrValue value = values.get(name);
    if (value != null) {
      return Optional.of(value);
    }
    OpDef.AttrDef definition = operation.attributes().get(name);
    return definition != null && definition.hasDefaultValue()
        ? Optional.of(definition.getDefaultValue())
        : Optional.empty();
  }

  /** Returns whether a value is left to the caller of the function. */
  static boolean isPlaceholder(AttrValue value) {
    return value.getValueCase() == AttrValue.ValueCase.PLACEHOLDER;
  }
}
