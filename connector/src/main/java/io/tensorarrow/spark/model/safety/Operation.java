package io.tensorarrow.spark.model.safety;

import java.util.HashMap;
import java.util.Map;
import org.tensorflow.proto.OpDef;

/** An operation, or a function of a graph's library, which can be used like one. Immutable. */
final class Operation {
  private final OpDef definition;
  private final Map<String, OpDef.AttrDef> attributes = new HashMap<>();

  Operation(OpDef definition) {
    this.definition = definition;
    for (OpDef.AttrDef attribute : definition.getAttrList()) {
      attributes.put(attribute.getName(), attribute);
    }
  }

  /** Returns TensorFlow's own definition. */
  OpDef definition() {
    return definition;
  }

  /** Returns the attributes by name. */
  Map<String, OpDef.AttrDef> attributes() {
    return attributes;
  }
}
