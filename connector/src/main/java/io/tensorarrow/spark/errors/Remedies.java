package io.tensorarrow.spark.errors;

/**
 * What users can do about their data, worded for messages. Remedies never suggest an expression
 * over a column as an input, because no projection can run before the model.
 */
public final class Remedies {
  private Remedies() {}

  /**
   * Says how to keep rows with nulls away from a model.
   *
   * @param condition a condition in SQL that is true for the rows without nulls
   */
  public static String withoutNulls(String condition) {
    return "a filter such as where(\""
        + condition
        + "\") drops the rows with nulls before the model runs; or write rows without nulls to a table"
        + " (Parquet) and read that";
  }

  /**
   * Returns a column's name as SQL writes it, or a placeholder if that depends on whether dots
   * separate fields.
   *
   * @param column the exact name of a column, or a path to a field as Spark writes it
   */
  public static String sqlName(String column) {
    return column.matches("[A-Za-z_]\\w*") ? column : "<column>";
  }

  /**
   * Says how to read a column with another type.
   *
   * @param type the wanted type, in SQL
   */
  public static String convertedTo(String type) {
    return "elements of type "
        + type
        + " in the table itself: write the converted rows to a table (Parquet) and read that, or"
        + " give a csv or json source its types with .schema(...)";
  }
}
