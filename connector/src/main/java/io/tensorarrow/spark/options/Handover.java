package io.tensorarrow.spark.options;

import java.util.Arrays;
import java.util.Locale;

/** The transfer mode of batches from the JVM to Python workers. */
public enum Handover {
  /** The best mode that a query's plan allows. */
  AUTO,
  /** Through memory that both processes map; small batches through the socket. */
  SHARED_MEMORY,
  /** As Arrow batches through the socket. */
  ARROW,
  /** As Spark itself does, row by row. */
  ROWS;

  /** Returns the name in options and plans. */
  public String text() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /**
   * Returns the mode of this name.
   *
   * @throws IllegalArgumentException if there is none
   */
  public static Handover of(String text) {
    return Arrays.stream(values())
        .filter(mode -> mode.text().equalsIgnoreCase(text.strip()))
        .findFirst()
        .orElseThrow(() -> new IllegalArgumentException(text));
  }
}
