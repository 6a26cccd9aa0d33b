package io.tensorarrow.spark.python.worker;

import static org.assertj.core.api.Assertions.assertThat;

import io.tensorarrow.spark.testing.Docs;
import io.tensorarrow.spark.testing.SparkTestBase;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import org.apache.spark.sql.execution.metric.SQLMetric;
import org.apache.spark.sql.execution.metric.SQLMetrics;
import org.junit.jupiter.api.Test;
import scala.collection.JavaConverters;

class PythonMetricsTest extends SparkTestBase {
  @Test
  void metricsOfPythonNodesAreDocumentedAsDeclared() {
    List<HandoverMetric> metrics =
        Arrays.stream(HandoverMetric.values())
            .sorted(Comparator.comparing(HandoverMetric::key, String.CASE_INSENSITIVE_ORDER))
            .toList();
    List<String> lines = new ArrayList<>();
    lines.add("");
    for (HandoverMetric metric : metrics) {
      lines.addAll(
          Docs.metric(
              metric.key(),
              metric.description(),
              metric.unit().name().toLowerCase(Locale.ROOT),
              metric.since(),
              shown(metric)));
    }

    Docs.check(Docs.METRICS, "python-metrics", lines);
  }

  /** Returns how the SQL tab shows two tasks' values. */
  private static String shown(HandoverMetric metric) {
    long[] values = Docs.exampleValues(metric.unit() == HandoverMetric.Unit.TIME);
    return SQLMetrics.stringValue(typeOf(metric.unit()), values, new long[0]);
  }

  private static String typeOf(HandoverMetric.Unit unit) {
    return switch (unit) {
      case COUNT -> "sum";
      case BYTES -> "size";
      case TIME -> "nsTiming";
    };
  }

  @Test
  void nodesHaveEachDeclaredMetricWithItsDescriptionAndUnit() {
    Map<String, SQLMetric> metrics =
        JavaConverters.mapAsJavaMap(PythonMetrics.create(spark().sparkContext()));

    assertThat(metrics).hasSameSizeAs(HandoverMetric.values());
    for (HandoverMetric metric : HandoverMetric.values()) {
      SQLMetric created = Objects.requireNonNull(metrics.get(metric.key()));
      assertThat(created.name().get()).isEqualTo(metric.description());
      assertThat(created.metricType()).isEqualTo(typeOf(metric.unit()));
    }
  }
}
