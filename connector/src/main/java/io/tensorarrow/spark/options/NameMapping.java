package io.tensorarrow.spark.options;

import java.util.List;
import java.util.Optional;

/**
 * The value of {@code inputs} and {@code outputs}: tensors, each with an optional column. Written
 * short or as JSON: a value that begins with a brace or a bracket is JSON.
 *
 * @param <C> what names a column: a {@link ColumnName} of the wrapped table for {@code inputs}, the
 *     result's column itself for {@code outputs}
 * @param entries in the order given
 */
public record NameMapping<C>(List<Entry<C>> entries) {
  /** Copies the entries. */
  public NameMapping {
    entries = List.copyOf(entries);
  }

  /**
   * One tensor of the mapping.
   *
   * @param <C> what names a column
   * @param tensor the tensor's name in the signature, never empty
   * @param column the column, where one was given
   */
  public record Entry<C>(String tensor, Optional<C> column) {}

  /**
   * Parses the value of {@code inputs}.
   *
   * @throws MalformedValueException if the text is neither form
   * @throws io.tensorarrow.spark.errors.TensorArrowException {@code TA_UNSUPPORTED} for packed
   *     columns and constants
   */
  static NameMapping<ColumnName> inputs(String text) {
    return isJson(text) ? JsonForm.inputs(text) : ShortForm.inputs(text);
  }

  /**
   * Parses the value of {@code outputs}.
   *
   * @throws MalformedValueException if the text is neither form
   */
  static NameMapping<String> outputs(String text) {
    return isJson(text) ? JsonForm.outputs(text) : ShortForm.outputs(text);
  }

  /** Returns how the short form writes a name, for examples in errors. */
  public static String inShortForm(String name) {
    return TextCursor.isPlain(name) ? name : ColumnPath.quoted(name);
  }

  private static boolean isJson(String text) {
    return text.startsWith("{") || text.startsWith("[");
  }
}
