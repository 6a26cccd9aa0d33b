package io.tensorarrow.spark.python.worker;

import io.tensorarrow.spark.options.JsonForm;
import java.util.List;
import java.util.Optional;

/**
 * A function of {@code ta.map_tensors}, known by its name, which is all that a plan says of a
 * Python function: {@code map_tensors(inplace=["column"])}. No function of a user's can be called
 * so.
 *
 * @param inPlace the columns whose arrays it may change in place
 */
record TensorFunction(List<String> inPlace) {
  private static final String BEFORE = "map_tensors(inplace=";
  private static final String NONE = "[]";
  private static final String AFTER = ")";

  TensorFunction {
    inPlace = List.copyOf(inPlace);
  }

  /** Reads a function's name; empty if it is another function's. */
  static Optional<TensorFunction> named(String name) {
    if (!name.startsWith(BEFORE) || !name.endsWith(AFTER)) {
      return Optional.empty();
    }
    String columns = name.substring(BEFORE.length(), name.length() - AFTER.length());
    return Optional.of(
        new TensorFunction(columns.equals(NONE) ? List.of() : JsonForm.strings(columns)));
  }
}
