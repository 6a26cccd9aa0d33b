package io.tensorarrow.spark.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import org.apache.spark.sql.connector.metric.CustomMetric;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TaskMetricTest {
  @Test
  void totalMinimumMedianAndMaximumAreShown() {
    assertThat(new RowsInferredMetric().aggregateTaskMetrics(new long[] {5, 1, 3}))
        .isEqualTo("9 (1, 3, 5)");
    assertThat(new RowsInferredMetric().aggregateTaskMetrics(new long[] {4})).isEqualTo("4");
    assertThat(new RowsInferredMetric().aggregateTaskMetrics(new long[0])).isEqualTo("0");
  }

  @Test
  void bytesAndTimesHaveUnits() {
    assertThat(new TensorBytesMetric().aggregateTaskMetrics(new long[] {1 << 20}))
        .isEqualTo("1024.0 KiB");
    assertThat(new InferenceTimeMetric().aggregateTaskMetrics(new long[] {25_000_000}))
        .isEqualTo("25 ms");
  }

  /** Driver and History Server make metrics by class name, from the name in the event log. */
  @ParameterizedTest
  @ValueSource(
      classes = {
        RowsInferredMetric.class,
        ModelBatchesMetric.class,
        ModelLoadTimeMetric.class,
        FeedTimeMetric.class,
        InferenceTimeMetric.class,
        FeedBytesMetric.class,
        TensorBytesMetric.class
      })
  void metricsAreMadeByClassName(Class<?> type) throws ReflectiveOperationException {
    CustomMetric metric =
        Class.forName(type.getName()).asSubclass(CustomMetric.class).getConstructor().newInstance();
    assertThat(metric.name()).isEqualTo(type.getField("NAME").get(null));
    assertThat(metric.description()).isNotBlank();
  }
}
