package io.tensorarrow.spark.python.worker;

import io.tensorarrow.spark.options.JsonForm;
import java.util.List;
import java.util.Optional;

/**
 * A function of {@code ta.map_tensors}, recognised by its name: {@code
 * map_tensors(inplace=["column"])}. The name is not an identifier, so no user's function has one
 * like it.
 *
 * <p>Nothing better than the name travels with a {@code PythonUDF}: its other fields are a pickle,
 * which only Python can read, types and evaluation type, and the environment, which Spark sets.
 *
 * @param inPlace the columns whose arrays it may change in place
 */
record TensorFunction(List<String> inPlace) {
  private static final String PREFIX = "map_tensors(inplace=";
  private static final String NO_COLUMNS = "[]";
  private static final String SUFFIX = ")";

  TensorFunction {
    inPlace = List.copyOf(inPlace);
  }

  /** Parses the name of a Python function; empty if it is not one of {@code ta.map_tensors}. */
  static Optional<TensorFunction> named(String name) {
    if (!name.startsWith(PREFIX) || !name.endsWith(SUFFIX)) {
      return Optional.empty();
    }
    String columns = name.substring(PREFIX.length(), name.length() - SUFFIX.length());
    return Optional.of(
        new TensorFunction(columns.equals(NO_COLUMNS) ? List.of() : JsonForm.strings(columns)));
  }
}
