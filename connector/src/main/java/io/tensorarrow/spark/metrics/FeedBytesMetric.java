package io.tensorarrow.spark.metrics;

/** Bytes copied from columns into input tensors. */
public final class FeedBytesMetric extends TaskMetric {
  /** The name under which tasks report it. */
  public static final String NAME = "feedBytes";

  /** Called by Spark, by class name. */
  public FeedBytesMetric() {
    super(NAME, "bytes copied into tensors", TaskMetric::bytes);
  }
}
