package io.tensorarrow.spark.metrics;

/** Bytes of output tensors whose memory became columns without a copy. */
public final class TensorBytesMetric extends TaskMetric {
  /** The name under which tasks report it. */
  public static final String NAME = "tensorBytes";

  /** Called by Spark, by class name. */
  public TensorBytesMetric() {
    super(NAME, "bytes of tensors handed on without a copy", TaskMetric::bytes);
  }
}
