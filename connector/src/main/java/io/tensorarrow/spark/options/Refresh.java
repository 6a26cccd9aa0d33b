package io.tensorarrow.spark.options;

/** When a read looks for another version of its model. */
public enum Refresh {
  /** For each planned query. */
  QUERY
}
