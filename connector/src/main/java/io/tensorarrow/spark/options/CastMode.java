package io.tensorarrow.spark.options;

import java.util.Locale;

/**
 * Which conversions between a column's and a tensor's element type are allowed, in NumPy's words.
 * Whatever the mode, a value that does not fit is an error, never wrapped and never turned into
 * infinity.
 */
public enum CastMode {
  /**
   * Only widenings, as {@code numpy.can_cast(from, to, "safe")} has them: short to int, int to
   * double. They keep every value exactly, but for long to double, which NumPy counts as safe
   * although it rounds beyond 2^53.
   */
  SAFE,
  /**
   * Also within a kind and from integers to floating point: double to float, long to int, int to
   * float.
   */
  SAME_KIND,
  /** Also from floating point to integers, cutting off the fraction. */
  UNSAFE;

  /** Returns the option's value. */
  public String text() {
    return name().toLowerCase(Locale.ROOT);
  }
}
