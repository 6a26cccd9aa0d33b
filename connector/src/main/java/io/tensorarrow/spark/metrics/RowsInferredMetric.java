package io.tensorarrow.spark.metrics;

/** Rows run through the model. */
public final class RowsInferredMetric extends TaskMetric {
  /** The name under which tasks report it. */
  public static final String NAME = "rowsInferred";

  /** Called by Spark, by class name. */
  public RowsInferredMetric() {
    super(NAME, "rows run through the model", TaskMetric::count);
  }
}
