package io.tensorarrow.spark.options;

/**
 * The text of an option has no value. Its message reads on after "found" and says where the fault
 * is instead of repeating the text.
 */
final class MalformedValueException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  MalformedValueException(String found) {
    super(found);
  }
}
