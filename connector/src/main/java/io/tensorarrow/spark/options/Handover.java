package io.tensorarrow.spark.options;

import java.util.Arrays;
import java.util.Locale;

/** How batches get from the JVM to Python workers. */
public enum Handover {
  /** The best way that a query's plan allows. */
  AUTO,
  /** Through memory that both processes map; small batches through the socket. */
  SHARED_MEMORY,
  /** As Arrow batches through the socket. */
  ARROW,
  /** Spark's stock way, row by row. */
  ROWS;

  /** Returns the name in options and plans. */
  public String text() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /**
   * Returns the way of this name.
   *
   * @throws IllegalArgumentException if there is none
   */
  public static Handover of(String text) {
    return Arrays.stream(values())
        .filter(way -> way.text().equalsIgnoreCase(text.strip()))
        .findFirst()
        .orElseThrow(() -> new IllegalArgumentException(text));
  }
}
