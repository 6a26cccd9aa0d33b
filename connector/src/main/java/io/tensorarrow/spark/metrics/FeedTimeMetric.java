package io.tensorarrow.spark.metrics;

/** Time spent copying columns into input tensors. */
public final class FeedTimeMetric extends TaskMetric {
  /** The name under which tasks report it. */
  public static final String NAME = "feedTime";

  /** Called by Spark, by class name. */
  public FeedTimeMetric() {
    super(NAME, "time feeding columns into tensors", TaskMetric::nanos);
  }
}
