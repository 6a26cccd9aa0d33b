package io.tensorarrow.spark.model.safety;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;

/**
 * Where in a model the check is, for messages.
 *
 * @param model the SavedModel's directory
 * @param function the function of the library, empty for the graph itself
 * @param part the node or signature, empty for the graph or function as a whole
 */
record GraphLocation(String model, String function, String part) {
  private static final int MAX_NAME_LENGTH = 200;

  /** Returns the location of a node of the same graph or function. */
  GraphLocation node(String name, String op) {
    return new GraphLocation(model, function, "node " + quoted(name) + " (" + cut(op) + ")");
  }

  /** Returns the location of a signature of the graph. */
  GraphLocation signature(String name) {
    return new GraphLocation(model, function, "signature " + quoted(name));
  }

  /** Returns the error for something malformed at this location. */
  TensorArrowException malformed(String found, String expected) {
    String atPart = part.isEmpty() ? "" : " at " + part;
    String inFunction = function.isEmpty() ? "" : " in function " + quoted(function);
    return TensorArrowException.cannot(ErrorCode.TA_MODEL_UNSAFE_TO_LOAD, "load model '%s'", model)
        .found("%s%s%s", found, atPart, inFunction)
        .expected("%s", expected);
  }

  /** Returns a name in quotes; a hostile file may hold a very long one. */
  static String quoted(String name) {
    return "'" + cut(name) + "'";
  }

  private static String cut(String name) {
    return name.length() <= MAX_NAME_LENGTH ? name : name.substring(0, MAX_NAME_LENGTH) + "...";
  }
}
