package io.tensorarrow.spark;

import static org.assertj.core.api.Assertions.assertThat;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.options.ConfigEntry;
import io.tensorarrow.spark.options.ExecutorSettings;
import io.tensorarrow.spark.options.ReadOptions;
import io.tensorarrow.spark.source.ScanMetric;
import io.tensorarrow.spark.testing.Docs;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.apache.spark.sql.connector.metric.CustomMetric;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The reference pages are generated from what the code declares. {@code
 * -Dtensorarrow.updateDocs=true} writes them anew.
 */
class ReferencePagesTest {
  @Test
  void optionsAreDocumentedAsDeclared() {
    Docs.check(
        Docs.OPTIONS,
        "options",
        entries(ReadOptions.ALL, "option", ".option(\"%s\", \"%s\")"::formatted));
  }

  @Test
  void settingsAreDocumentedAsDeclared() {
    Docs.check(
        Docs.SETTINGS, "settings", entries(ExecutorSettings.ALL, "setting", "%s  %s"::formatted));
  }

  @Test
  void metricsOfTheScanAreDocumentedAsDeclared() {
    List<String> lines = new ArrayList<>(List.of(""));
    Arrays.stream(ScanMetric.values())
        .sorted(Comparator.comparing(m -> m.metric().name(), String.CASE_INSENSITIVE_ORDER))
        .forEach(metric -> lines.addAll(metricLines(metric)));

    Docs.check(Docs.METRICS, "scan-metrics", lines);
  }

  @Test
  void errorsAreDocumentedAsDeclared() {
    List<String> lines = new ArrayList<>();
    lines.add("");
    Arrays.stream(ErrorCode.values())
        .sorted(Comparator.comparing(Enum::name))
        .forEach(
            code -> {
              lines.addAll(List.of("### `" + code + "`", ""));
              lines.addAll(Docs.wrapped("", "", Docs.sentence(code.meaning())));
              lines.add("");
              lines.addAll(Docs.wrapped("**What to do:** ", "", code.remedy()));
              lines.addAll(List.of("", "Since " + code.since() + ". A message:", "", "```text"));
              lines.addAll(List.of("[" + code + "] " + code.example(), "```", ""));
            });

    Docs.check(Docs.ERRORS, "errors", lines);
  }

  @ParameterizedTest
  @EnumSource
  void everyErrorSaysWhatToDoInSentences(ErrorCode code) {
    assertThat(code.meaning()).doesNotEndWith(".");
    assertThat(code.remedy()).matches("(?s)[A-Z].+\\.");
    assertThat(code.example()).matches("Cannot .+: found .+; expected .+[^.]");
  }

  static Stream<ConfigEntry<?>> everyEntry() {
    return Stream.concat(ReadOptions.ALL.stream(), ExecutorSettings.ALL.stream());
  }

  @ParameterizedTest
  @MethodSource("everyEntry")
  void everyExampleIsAValueThatCanBeGiven(ConfigEntry<?> entry) {
    assertThat(entry.example()).isNotEmpty();
    assertThat(entry.find(key -> entry.example())).isPresent();
  }

  /** Writes one example of an option or setting. */
  private interface Example {
    String of(String key, String value);
  }

  private static List<String> entries(List<ConfigEntry<?>> entries, String what, Example example) {
    List<ConfigEntry<?>> sorted =
        entries.stream()
            .sorted(Comparator.comparing(ConfigEntry::key, String.CASE_INSENSITIVE_ORDER))
            .toList();
    List<String> lines = new ArrayList<>(List.of("", "| " + what + " | default |", "|---|---|"));
    for (ConfigEntry<?> entry : sorted) {
      lines.add(
          "| [`%s`](#%s) | %s |"
              .formatted(entry.key(), Docs.anchor(entry.key()), entry.defaultText()));
    }
    lines.add("");
    for (ConfigEntry<?> entry : sorted) {
      lines.addAll(List.of("### `" + entry.key() + "`", ""));
      lines.addAll(Docs.wrapped("", "", Docs.sentence(entry.doc())));
      lines.add("");
      lines.addAll(Docs.wrapped("- Value: ", "  ", entry.type()));
      lines.addAll(Docs.wrapped("- Default: ", "  ", entry.defaultText()));
      lines.add("- Since: " + entry.since());
      lines.add("- Example: `" + example.of(entry.key(), entry.example()) + "`");
      lines.add("");
    }
    return lines;
  }

  private static List<String> metricLines(ScanMetric scanMetric) {
    CustomMetric metric = scanMetric.metric();
    String unit = unit(metric);
    return Docs.metric(
        metric.name(),
        metric.description(),
        unit,
        scanMetric.since(),
        metric.aggregateTaskMetrics(Docs.exampleValues(unit.equals("time"))));
  }

  /** Returns what a metric counts, by what it prints. */
  private static String unit(CustomMetric metric) {
    String zero = metric.aggregateTaskMetrics(new long[0]);
    return zero.endsWith("ms") ? "time" : zero.endsWith("B") ? "bytes" : "count";
  }
}
