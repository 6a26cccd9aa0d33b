package io.tensorarrow.spark.options;

import java.util.ArrayList;
import java.util.List;

/**
 * A column as a user names it, by the rules of Spark's multipart identifiers: parts separated by
 * dots, a part with dots or back-ticks between back-ticks, a back-tick inside doubled. What is
 * written without back-ticks may also be the name of one column with dots in it.
 *
 * @param readings the possible parses of the name; the first that matches a column is used
 */
public record ColumnName(List<List<String>> readings) {
  /** Copies the readings. */
  public ColumnName {
    readings = readings.stream().map(List::copyOf).toList();
  }

  /** Names one column of the table, whatever is in its name. */
  public static ColumnName ofColumn(String name) {
    return new ColumnName(List.of(List.of(name)));
  }

  /** Names a field by its column and the fields on the way to it, whatever is in their names. */
  static ColumnName ofParts(List<String> parts) {
    return new ColumnName(List.of(parts));
  }

  /**
   * Parses an identifier.
   *
   * @throws MalformedValueException if the text is none
   */
  static ColumnName parse(String identifier) {
    TextCursor cursor = TextCursor.overName(identifier);
    ColumnName name = read(cursor);
    cursor.expectEnd();
    return name;
  }

  /** Reads an identifier, as far as it goes. */
  static ColumnName read(TextCursor cursor) {
    List<String> parts = new ArrayList<>();
    boolean quoted = false;
    do {
      quoted |= cursor.atQuote();
      parts.add(cursor.name("."));
    } while (cursor.accept('.'));
    return quoted || parts.size() == 1
        ? ofParts(parts)
        : new ColumnName(List.of(List.of(String.join(".", parts)), parts));
  }

  /** Returns the name as it would be written in the option. */
  @Override
  public String toString() {
    return new ColumnPath(readings.get(readings.size() - 1)).toString();
  }
}
