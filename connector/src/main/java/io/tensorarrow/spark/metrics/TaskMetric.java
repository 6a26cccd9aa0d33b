package io.tensorarrow.spark.metrics;

import java.util.Arrays;
import java.util.function.LongFunction;
import org.apache.spark.sql.connector.metric.CustomMetric;

/**
 * A number per task, shown as {@code total (min, med, max)} like Spark's own, because a sum alone
 * hides skew.
 */
abstract class TaskMetric implements CustomMetric {
  private final String name;
  private final String description;
  private final LongFunction<String> format;

  TaskMetric(String name, String description, LongFunction<String> format) {
    this.name = name;
    this.description = description;
    this.format = format;
  }

  @Override
  public final String name() {
    return name;
  }

  @Override
  public final String description() {
    return description;
  }

  @Override
  public final String aggregateTaskMetrics(long[] taskMetrics) {
    if (taskMetrics.length == 0) {
      return format.apply(0);
    }
    long[] sorted = taskMetrics.clone();
    Arrays.sort(sorted);
    String total = format.apply(Arrays.stream(sorted).sum());
    if (sorted.length == 1) {
      return total;
    }
    return "%s (%s, %s, %s)"
        .formatted(
            total,
            format.apply(sorted[0]),
            format.apply(sorted[sorted.length / 2]),
            format.apply(sorted[sorted.length - 1]));
  }

  static String count(long n) {
    return String.valueOf(n);
  }

  static String bytes(long n) {
    return org.apache.spark.util.Utils.bytesToString(n);
  }

  static String nanos(long n) {
    return org.apache.spark.util.Utils.msDurationToString(n / 1_000_000);
  }
}
