package io.tensorarrow.spark.metrics;

/** Calls of the model, one per batch. */
public final class ModelBatchesMetric extends TaskMetric {
  /** The name under which tasks report it. */
  public static final String NAME = "modelBatches";

  /** Called by Spark, by class name. */
  public ModelBatchesMetric() {
    super(NAME, "model calls", TaskMetric::count);
  }
}
