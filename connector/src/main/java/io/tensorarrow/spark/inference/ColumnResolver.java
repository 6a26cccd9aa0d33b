package io.tensorarrow.spark.inference;

import io.tensorarrow.spark.errors.Alternatives;
import io.tensorarrow.spark.options.ColumnName;
import io.tensorarrow.spark.options.ColumnPath;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;

/** Finds the columns and struct fields of a table by name, as Spark would. Immutable. */
final class ColumnResolver {
  private final StructType table;
  private final boolean caseSensitive;

  /**
   * @param table its columns
   * @param caseSensitive whether names that differ in case only are different names
   */
  ColumnResolver(StructType table, boolean caseSensitive) {
    this.table = table;
    this.caseSensitive = caseSensitive;
  }

  /**
   * A column or a field.
   *
   * @param path where it is
   * @param type its type
   */
  record Column(ColumnPath path, DataType type) {}

  /** Returns the columns of the table itself. */
  List<Column> columns() {
    return Arrays.stream(table.fields())
        .map(field -> new Column(ColumnPath.of(field.name()), field.dataType()))
        .toList();
  }

  /**
   * Finds what a name stands for.
   *
   * @return one column; none, if there is no such one; or several, if the name is ambiguous
   */
  List<Column> find(ColumnName name) {
    return name.readings().stream()
        .map(this::find)
        .filter(columns -> !columns.isEmpty())
        .findFirst()
        .orElse(List.of());
  }

  private List<Column> find(List<String> parts) {
    List<Column> columns = columns().stream().filter(c -> isNamed(c, parts.get(0))).toList();
    for (String field : parts.subList(1, parts.size())) {
      columns =
          columns.stream().flatMap(c -> fields(c).stream()).filter(c -> isNamed(c, field)).toList();
    }
    return columns;
  }

  /** Returns why there is no such column, for errors. */
  String whyMissing(ColumnName name) {
    List<String> parts = name.readings().get(name.readings().size() - 1);
    int existing = parts.size() - 1;
    while (existing > 0 && find(parts.subList(0, existing)).isEmpty()) {
      existing--;
    }
    if (existing == 0) {
      String column = parts.size() == 1 ? parts.get(0) : name.toString();
      return "no column '" + column + "'" + Alternatives.hint(parts.get(0), names(columns()));
    }
    Column parent = find(parts.subList(0, existing)).get(0);
    String missing = parts.get(existing);
    return parent.type() instanceof StructType
        ? "no field '%s' in column '%s'%s"
            .formatted(missing, parent.path(), Alternatives.hint(missing, names(fields(parent))))
        : "no field '%s' in column '%s' of type %s, which is no struct"
            .formatted(missing, parent.path(), parent.type().simpleString());
  }

  private boolean isNamed(Column column, String name) {
    String columnName = lastName(column);
    return caseSensitive ? columnName.equals(name) : columnName.equalsIgnoreCase(name);
  }

  private static List<Column> fields(Column parent) {
    List<Column> fields = new ArrayList<>();
    if (parent.type() instanceof StructType struct) {
      for (StructField field : struct.fields()) {
        fields.add(new Column(parent.path().field(field.name()), field.dataType()));
      }
    }
    return fields;
  }

  private static List<String> names(List<Column> columns) {
    return columns.stream().map(ColumnResolver::lastName).toList();
  }

  private static String lastName(Column column) {
    List<String> parts = column.path().parts();
    return parts.get(parts.size() - 1);
  }
}
