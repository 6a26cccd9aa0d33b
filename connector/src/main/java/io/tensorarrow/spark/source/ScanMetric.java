package io.tensorarrow.spark.source;

import io.tensorarrow.spark.inference.InferenceCounters;
import io.tensorarrow.spark.metrics.FeedBytesMetric;
import io.tensorarrow.spark.metrics.FeedTimeMetric;
import io.tensorarrow.spark.metrics.InferenceTimeMetric;
import io.tensorarrow.spark.metrics.ModelBatchesMetric;
import io.tensorarrow.spark.metrics.ModelLoadTimeMetric;
import io.tensorarrow.spark.metrics.RowsInferredMetric;
import io.tensorarrow.spark.metrics.TensorBytesMetric;
import java.util.Arrays;
import java.util.function.ToLongFunction;
import java.util.stream.Stream;
import org.apache.spark.sql.connector.metric.CustomMetric;
import org.apache.spark.sql.connector.metric.CustomTaskMetric;

/**
 * The metrics of a scan that runs a model: what the driver shows, and which counter of a task it
 * comes from. Public for the test of the reference page.
 */
public enum ScanMetric {
  ROWS_INFERRED(new RowsInferredMetric(), InferenceCounters::rows),
  MODEL_BATCHES(new ModelBatchesMetric(), InferenceCounters::batches),
  MODEL_LOAD_TIME(new ModelLoadTimeMetric(), InferenceCounters::loadNanos),
  FEED_TIME(new FeedTimeMetric(), InferenceCounters::feedNanos),
  INFERENCE_TIME(new InferenceTimeMetric(), InferenceCounters::runNanos),
  FEED_BYTES(new FeedBytesMetric(), InferenceCounters::feedBytes),
  TENSOR_BYTES(new TensorBytesMetric(), InferenceCounters::tensorBytes);

  // Stateless.
  @SuppressWarnings("ImmutableEnumChecker")
  private final CustomMetric metric;

  @SuppressWarnings("ImmutableEnumChecker")
  private final ToLongFunction<InferenceCounters> counter;

  ScanMetric(CustomMetric metric, ToLongFunction<InferenceCounters> counter) {
    this.metric = metric;
    this.counter = counter;
  }

  /** Returns all metrics as Spark's driver takes them. */
  public static Stream<CustomMetric> supported() {
    return Arrays.stream(values()).map(ScanMetric::metric);
  }

  /** Returns the metric as Spark's driver takes it. */
  public CustomMetric metric() {
    return metric;
  }

  /** Returns a task's value of the metric. */
  public long value(InferenceCounters counters) {
    return counter.applyAsLong(counters);
  }

  /** Returns the version of the connector in which it came. */
  public String since() {
    return "0.1.0";
  }

  /** Returns a task's values of all metrics. */
  static Stream<CustomTaskMetric> values(InferenceCounters counters) {
    return Arrays.stream(values())
        .map(metric -> new Value(metric.metric.name(), metric.value(counters)));
  }

  /** A value under the name of its metric. */
  record Value(String name, long value) implements CustomTaskMetric {}
}
