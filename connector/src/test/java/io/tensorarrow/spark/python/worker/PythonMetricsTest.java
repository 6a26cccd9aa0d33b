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
      String unit = metric.unit().name().toLowerCase(Locale.ROOT);
      lines.addAll(List.of("### `" + metric.key() + "`", ""));
      lines.add(Docs.sentence(metric.description()) + " Unit: " + unit + ".");
      lines.add("");
    }

    Docs.check(Docs.METRICS, "python-metrics", lines);
  }

  @Test
  void nodesHaveEachDeclaredMetricWithItsDescriptionAndUnit() {
    Map<String, SQLMetric> metrics =
        JavaConverters.mapAsJavaMap(PythonMetrics.create(spark().sparkContext()));

    assertThat(metrics).hasSameSizeAs(HandoverMetric.values());
    for (HandoverMetric metric : HandoverMetric.values()) {
      SQLMetric created = Objects.requireNonNull(metrics.get(metric.key()));
      assertThat(created.name().get()).isEqualTo(metric.description());
      assertThat(created.metricType())
          .isEqualTo(
              switch (metric.unit()) {
                case COUNT -> "sum";
                case BYTES -> "size";
                case TIME -> "nsTiming";
              });
    }
  }
}
