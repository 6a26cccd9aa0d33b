package io.tensorarrow.spark.python.worker;

import static org.assertj.core.api.Assertions.assertThat;

import io.tensorarrow.spark.testing.SparkTestBase;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.spark.sql.execution.metric.SQLMetric;
import org.junit.jupiter.api.Test;
import scala.collection.JavaConverters;

class PythonMetricsTest extends SparkTestBase {
  @Test
  void theReadmeHasThemAll() throws IOException {
    String readme = Files.readString(Path.of("../README.md"));

    for (var metric :
        JavaConverters.mapAsJavaMap(PythonMetrics.create(spark().sparkContext())).entrySet()) {
      SQLMetric value = metric.getValue();
      assertThat(readme).contains("| `%s` | %s |".formatted(metric.getKey(), value.name().get()));
    }
  }
}
