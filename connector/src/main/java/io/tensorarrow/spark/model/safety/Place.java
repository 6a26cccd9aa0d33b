package io.tensorarrow.spark.model.safety;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import org.tensorflow.proto.DataType;

/**
 * Where in a model the check is, for messages.
 *
 * @param model the SavedModel's directory
 * @param function the function of the library, empty for the graph itself
 * @param part the node or signature, empty for the graph or function as a whole
 */
record Place(String model, String function, String part) {
  private static final int LONGEST_NAME = 200;
  private static final int REFERENCE_OFFSET = 100;

  /** Returns a node's place. */
  Place node(String name, String op) {
    return new Place(model, function, "node " + quoted(name) + " (" + cut(op) + ")");
  }

  /** Returns a signature's place. */
  Place signature(String name) {
    return new Place(model, function, "signature " + quoted(name));
  }

  /** Makes the error for something malformed. */
  TensorArrowException malformed(String found, String expected) {
    String at = part.isEmpty() ? "" : " at " + part;
    String in = function.isEmpty() ? "" : " in function " + quoted(function);
    return TensorArrowException.cannot(ErrorCode.TA_MODEL_UNSAFE_TO_LOAD, "load model '%s'", model)
        .found("%s%s%s", found, at, in)
        .expected("%s", expected);
  }

  /** Returns a name in quotes; a hostile file may hold a very long one. */
  static String quoted(String name) {
    return "'" + cut(name) + "'";
  }

  /** Returns TensorFlow's name of a dtype's number. */
  static String dtype(int number) {
    DataType type = DataType.forNumber(number);
    return type == null ? "dtype " + number : type.name();
  }

  /** Returns the dtype that a reference dtype of TF1 refers to, or the dtype itself. */
  static int plain(int dtype) {
    return isReference(dtype) ? dtype - REFERENCE_OFFSET : dtype;
  }

  /** Returns the reference dtype of TF1 to a dtype, of an unknown one an unknown one. */
  static int reference(int dtype) {
    return dtype == 0 || isReference(dtype) ? dtype : dtype + REFERENCE_OFFSET;
  }

  static boolean isReference(int dtype) {
    return dtype > REFERENCE_OFFSET;
  }

  private static String cut(String name) {
    return name.length() <= LONGEST_NAME ? name : name.substring(0, LONGEST_NAME) + "...";
  }
}
