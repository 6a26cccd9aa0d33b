package io.tensorarrow.spark.tensor.vector;

/** IEEE 754's 16-bit floats, which Java 17 can't convert itself. */
public final class HalfFloat {
  private static final int MANTISSA_BITS = 10;
  private static final int MANTISSA = (1 << MANTISSA_BITS) - 1;
  private static final int EXPONENT = 0x1f;
  private static final int BIAS = 15;

  /** What the mantissa of a float has more. */
  private static final int SHIFT = 23 - MANTISSA_BITS;

  private HalfFloat() {}

  /** Returns the float of the same value; the payload of a NaN stays. */
  public static float toFloat(short half) {
    int sign = (half & 0x8000) << Short.SIZE;
    int exponent = (half >> MANTISSA_BITS) & EXPONENT;
    int mantissa = half & MANTISSA;
    if (exponent == 0) {
      float subnormal = mantissa * Math.scalb(1f, 1 - BIAS - MANTISSA_BITS);
      return sign == 0 ? subnormal : -subnormal;
    }
    int widened = exponent == EXPONENT ? 0xff : exponent - BIAS + 127;
    return Float.intBitsToFloat(sign | (widened << 23) | (mantissa << SHIFT));
  }
}
