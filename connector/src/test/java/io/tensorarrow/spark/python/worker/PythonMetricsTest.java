package io.tensorarrow.spark.python.worker;

import io.tensorarrow.spark.testing.Docs;
import io.tensorarrow.spark.testing.SparkTestBase;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.spark.sql.execution.metric.SQLMetric;
import org.junit.jupiter.api.Test;
import scala.collection.JavaConverters;

class PythonMetricsTest extends SparkTestBase {
  @Test
  void metricsOfPythonNodesAreDocumentedAsDeclared() {
    Map<String, SQLMetric> metrics = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
    metrics.putAll(JavaConverters.mapAsJavaMap(PythonMetrics.create(spark().sparkContext())));
    List<String> lines = new ArrayList<>();
    lines.add("");
    metrics.forEach(
        (name, metric) -> {
          lines.addAll(List.of("### `" + name + "`", ""));
          lines.add(Docs.sentence(metric.name().get()) + " Unit: " + unit(metric) + ".");
          lines.add("");
        });

    Docs.check(Docs.METRICS, "python-metrics", lines);
  }

  private static String unit(SQLMetric metric) {
    return switch (metric.metricType()) {
      case "size" -> "bytes";
      case "timing", "nsTiming" -> "time";
      default -> "count";
    };
  }
}
