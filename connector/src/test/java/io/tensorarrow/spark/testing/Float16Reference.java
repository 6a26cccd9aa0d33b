package io.tensorarrow.spark.testing;

import io.tensorarrow.spark.tensor.DType;

/** What floating point numbers of 16 bits are, computed from IEEE 754's definition. */
public final class Float16Reference {
  private static final int MAX_EXPONENT = 31;

  private Float16Reference() {}

  /**
   * Returns the bits of the float of the same value; the payload of a NaN stays.
   *
   * @param dtype float16 or bfloat16
   * @param bits the number's bits; those above the lower 16 do not count
   */
  public static int floatBits(DType dtype, int bits) {
    // A bfloat16 is the upper half of a float.
    return dtype == DType.BFLOAT16 ? bits << Short.SIZE : ofFloat16(bits & 0xffff);
  }

  /** Returns the float of the same value. */
  public static float toFloat(DType dtype, int bits) {
    return Float.intBitsToFloat(floatBits(dtype, bits));
  }

  private static int ofFloat16(int bits) {
    int sign = bits >> 15;
    int exponent = bits >> 10 & MAX_EXPONENT;
    int mantissa = bits & 1023;
    if (exponent == MAX_EXPONENT) {
      return sign << 31 | 255 << 23 | mantissa << 13;
    }
    double size =
        exponent == 0
            ? mantissa * Math.pow(2, -24)
            : (1024 + mantissa) * Math.pow(2, exponent - 25);
    return Float.floatToRawIntBits((float) (sign == 1 ? -size : size));
  }
}
