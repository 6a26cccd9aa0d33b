package io.tensorarrow.spark.options;

/**
 * The text of an option is no value. The message is read after "found"; it says where the text is
 * wrong and does not repeat it.
 */
final class MalformedValueException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  MalformedValueException(String found) {
    super(found);
  }
}
