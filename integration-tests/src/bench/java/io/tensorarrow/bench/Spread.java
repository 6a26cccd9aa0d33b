package io.tensorarrow.bench;

import java.util.Arrays;
import java.util.Locale;

/**
 * What the rounds of a measurement had in common: the middle one, and where the middle half of them
 * is.
 */
record Spread(double median, double low, double high) {
  static Spread of(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    int last = sorted.length - 1;
    return new Spread(sorted[last / 2], sorted[last / 4], sorted[last - last / 4]);
  }

  /** Returns for instance {@code 0.97 (0.95 to 1.01)}. */
  String text(int digits) {
    String number = "%." + digits + "f";
    return String.format(
        Locale.ROOT, number + " (" + number + " to " + number + ")", median, low, high);
  }
}
