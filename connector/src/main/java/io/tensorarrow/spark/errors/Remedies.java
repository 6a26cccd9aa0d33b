package io.tensorarrow.spark.errors;

/**
 * What users can do about their data, worded for messages. Nothing computed can stand between the
 * wrapped table and the model, so no expression over a column is among it.
 */
public final class Remedies {
  private Remedies() {}

  /**
   * Says how to keep rows with nulls away from a model.
   *
   * @param condition what is true of the other rows, in SQL
   */
  public static String withoutNulls(String condition) {
    return "a filter such as where(\""
        + condition
        + "\") drops the other rows before the model runs; or write rows without nulls to a table"
        + " (Parquet) and read that";
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
