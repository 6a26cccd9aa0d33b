package io.tensorarrow.spark;

import static org.assertj.core.api.Assertions.assertThat;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.metrics.FeedBytesMetric;
import io.tensorarrow.spark.metrics.FeedTimeMetric;
import io.tensorarrow.spark.metrics.InferenceTimeMetric;
import io.tensorarrow.spark.metrics.ModelBatchesMetric;
import io.tensorarrow.spark.metrics.ModelLoadTimeMetric;
import io.tensorarrow.spark.metrics.RowsInferredMetric;
import io.tensorarrow.spark.metrics.TensorBytesMetric;
import io.tensorarrow.spark.options.ConfigEntry;
import io.tensorarrow.spark.options.ExecutorSettings;
import io.tensorarrow.spark.options.ReadOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.spark.sql.connector.metric.CustomMetric;
import org.junit.jupiter.api.Test;

/**
 * The README's tables say what the code declares. {@code -Dtensorarrow.updateDocs=true} writes them
 * anew.
 */
class DocumentedTablesTest {
  private static final Path README = Path.of("..", "README.md");

  @Test
  void optionsAreDocumentedAsDeclared() throws IOException {
    check("options", table(ReadOptions.ALL));
  }

  @Test
  void settingsAreDocumentedAsDeclared() throws IOException {
    check("settings", table(ExecutorSettings.ALL));
  }

  @Test
  void metricsAreDocumentedAsDeclared() throws IOException {
    List<CustomMetric> metrics =
        List.of(
            new RowsInferredMetric(),
            new ModelBatchesMetric(),
            new ModelLoadTimeMetric(),
            new FeedTimeMetric(),
            new InferenceTimeMetric(),
            new FeedBytesMetric(),
            new TensorBytesMetric());
    check(
        "metrics",
        Stream.concat(
                Stream.of("| metric | meaning |", "|---|---|"),
                metrics.stream().map(m -> "| `" + m.name() + "` | " + m.description() + " |"))
            .collect(Collectors.joining("\n")));
  }

  @Test
  void errorsAreDocumentedAsDeclared() throws IOException {
    check(
        "errors",
        Stream.concat(
                Stream.of("| code | meaning |", "|---|---|"),
                Arrays.stream(ErrorCode.values()).map(c -> "| `" + c + "` | " + c.summary() + " |"))
            .collect(Collectors.joining("\n")));
  }

  private static String table(List<ConfigEntry<?>> entries) {
    return Stream.concat(
            Stream.of("| name | value | default | meaning | since |", "|---|---|---|---|---|"),
            entries.stream()
                .map(
                    e ->
                        "| `%s` | %s | %s | %s | %s |"
                            .formatted(e.key(), e.type(), e.defaultText(), e.doc(), e.since())))
        .collect(Collectors.joining("\n"));
  }

  private static void check(String name, String expected) throws IOException {
    String begin = "<!-- " + name + ":begin -->\n";
    String end = "\n<!-- " + name + ":end -->";
    String readme = Files.readString(README);
    int from = readme.indexOf(begin) + begin.length();
    int to = readme.indexOf(end);
    assertThat(from).as("begin of table " + name).isGreaterThanOrEqualTo(begin.length());
    assertThat(to).as("end of table " + name).isGreaterThanOrEqualTo(from);
    if (Boolean.getBoolean("tensorarrow.updateDocs")) {
      Files.writeString(README, readme.substring(0, from) + expected + readme.substring(to));
      return;
    }
    assertThat(readme.substring(from, to))
        .as("table %s; run this test with -Dtensorarrow.updateDocs=true", name)
        .isEqualTo(expected);
  }
}
