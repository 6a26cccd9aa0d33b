package io.tensorarrow.spark.tensor.feed;

import java.math.BigInteger;

/**
 * Roundings that Java 17 lacks. All are to the nearest value, and to the even one of two that are
 * equally near.
 */
final class Rounding {
  private static final int DOUBLE_MANTISSA_BITS = 52;
  private static final int DOUBLE_BIAS = 1023;
  private static final long DOUBLE_MANTISSA = (1L << DOUBLE_MANTISSA_BITS) - 1;

  private static final long DOUBLE_INFINITY = 0x7ffL << DOUBLE_MANTISSA_BITS;

  private static final int FLOAT_MANTISSA_BITS = 23;
  private static final int FLOAT_MANTISSA = (1 << FLOAT_MANTISSA_BITS) - 1;

  /** Integers up to here are doubles. */
  private static final long MAX_EXACT = 1L << 53;

  /** The bits of a long that a double may not hold. */
  private static final long LOW_BITS = (1L << 10) - 1;

  private Rounding() {}

  /**
   * Returns the bits of a double as IEEE 754's 16-bit float: infinity if it is too large; a NaN
   * keeps the leading bits of its payload.
   */
  static short toFloat16(double value) {
    return toFloat(value, 10, 15);
  }

  /** Returns the bits of a double as a bfloat16, like {@link #toFloat16}. */
  static short toBfloat16(double value) {
    return toFloat(value, 7, 127);
  }

  /** Returns the double of the same value; a NaN keeps its payload, also if it is signalling. */
  static double widened(float value) {
    if (!Float.isNaN(value)) {
      return value;
    }
    int bits = Float.floatToRawIntBits(value);
    long payload = (long) (bits & FLOAT_MANTISSA) << (DOUBLE_MANTISSA_BITS - FLOAT_MANTISSA_BITS);
    long sign = (long) bits & Long.MIN_VALUE;
    return Double.longBitsToDouble(sign | DOUBLE_INFINITY | payload);
  }

  static boolean isInfiniteFloat16(short bits) {
    return (bits & 0x7fff) == 0x7c00;
  }

  static boolean isInfiniteBfloat16(short bits) {
    return (bits & 0x7fff) == 0x7f80;
  }

  /**
   * Returns a double from which rounding to a float or a shorter type gives what rounding the
   * integer at once gives: digits that a double does not hold set its last bit, so that the second
   * rounding goes the right way.
   */
  static double traced(long value) {
    if (Math.abs(value) <= MAX_EXACT) {
      return value;
    }
    return (value & LOW_BITS) == 0 ? value : (value & ~LOW_BITS) | (LOW_BITS + 1);
  }

  /** Does what {@link #traced(long)} does for an integer of any size. */
  static double traced(BigInteger value) {
    int excess = value.bitLength() - (Long.SIZE - 1);
    if (excess <= 0) {
      return traced(value.longValue());
    }
    long leading = value.shiftRight(excess).longValue();
    boolean more = value.getLowestSetBit() < excess;
    return Math.scalb(traced(more ? leading | 1 : leading), excess);
  }

  private static short toFloat(double value, int mantissaBits, int bias) {
    long bits = Double.doubleToRawLongBits(value);
    int shift = DOUBLE_MANTISSA_BITS - mantissaBits;
    int sign = (int) (bits >>> 48) & 0x8000;
    int infinity = (2 * bias + 1) << mantissaBits;
    if (Double.isNaN(value)) {
      int payload = (int) ((bits & DOUBLE_MANTISSA) >>> shift);
      int quiet = 1 << (mantissaBits - 1);
      return (short) (sign | infinity | (payload == 0 ? quiet : payload));
    }
    if (Math.getExponent(value) < 1 - bias) {
      // Subnormal: a multiple of the smallest number; one too many is the first normal number.
      double smallest = Math.scalb(1.0, 1 - bias - mantissaBits);
      return (short) (sign | (int) Math.rint(Math.abs(value) / smallest));
    }
    // A carry out of the mantissa goes into the exponent, where it belongs.
    long magnitude = bits & Long.MAX_VALUE;
    long even = (magnitude >>> shift) & 1;
    long rounded = (magnitude + (1L << (shift - 1)) - 1 + even) >>> shift;
    long rebased = rounded - ((long) (DOUBLE_BIAS - bias) << mantissaBits);
    return (short) (sign | (int) Math.min(rebased, infinity));
  }
}
