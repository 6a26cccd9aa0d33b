package io.tensorarrow.spark.options;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/**
 * Where in a table a value is: a column, or a field in structs below one.
 *
 * @param parts the column's exact name, then the fields' on the way down; at least one
 */
public record ColumnPath(List<String> parts) implements Serializable {
  /** Copies the parts. */
  public ColumnPath {
    parts = List.copyOf(parts);
  }

  /** Returns the path to a column of the table itself. */
  public static ColumnPath of(String column) {
    return new ColumnPath(List.of(column));
  }

  /** Returns the column of the table. */
  public String column() {
    return parts.get(0);
  }

  /** Returns the fields below the column, outermost first; none for the column itself. */
  public List<String> fields() {
    return parts.subList(1, parts.size());
  }

  /** Returns the path to a field of the struct that is here. */
  public ColumnPath field(String name) {
    List<String> longer = new ArrayList<>(parts);
    longer.add(name);
    return new ColumnPath(longer);
  }

  /** Returns the column's name as it is, or the path as Spark writes it. */
  @Override
  public String toString() {
    return parts.size() == 1
        ? column()
        : parts.stream().map(ColumnPath::inPath).collect(Collectors.joining("."));
  }

  /** Returns the path as SQL writes it: names that are no plain identifiers are quoted. */
  public String sql() {
    return parts.stream()
        .map(part -> part.matches("[A-Za-z_]\\w*") ? part : quoted(part))
        .collect(Collectors.joining("."));
  }

  /** Returns the name between back-ticks. */
  static String quoted(String name) {
    return "`" + name.replace("`", "``") + "`";
  }

  private static String inPath(String part) {
    return part.contains(".") || part.contains("`") ? quoted(part) : part;
  }
}
