package io.tensorarrow.spark.metrics;

/** Time spent in model calls. */
public final class InferenceTimeMetric extends TaskMetric {
  /** The name under which tasks report it. */
  public static final String NAME = "inferenceTime";

  /** Called by Spark, by class name. */
  public InferenceTimeMetric() {
    super(NAME, "time in the model", TaskMetric::nanos);
  }
}
