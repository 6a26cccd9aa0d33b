package io.tensorarrow.spark.tensor.feed;

import io.tensorarrow.spark.tensor.DType;
import java.math.BigInteger;

/**
 * Writes numbers into a tensor. Each passes through a type that holds it exactly: any integer of a
 * column is a {@code long} or a {@link BigInteger}, any float a {@code double}. So only the last
 * step, to the tensor's dtype, rounds or finds that a number does not fit. Each method returns
 * {@link ElementCopier#NONE}, or how many numbers are before the first one that the tensor's dtype
 * can't hold.
 */
abstract class NumberWriter {
  static NumberWriter of(DType to) {
    return switch (to) {
      case BOOL -> new BooleanWriter();
      case INT8, INT16, INT32, INT64, QINT8, QINT16, QINT32, INT4 -> IntegerWriter.signed(to);
      case UINT8,
          UINT16,
          UINT32,
          UINT4,
          QUINT8,
          QUINT16,
          FLOAT8_E5M2,
          FLOAT8_E4M3FN,
          FLOAT8_E4M3FNUZ,
          FLOAT8_E4M3B11FNUZ,
          FLOAT8_E5M2FNUZ ->
          IntegerWriter.unsigned(to);
      case UINT64 -> new UnsignedLongWriter();
      case FLOAT16, BFLOAT16, FLOAT32, FLOAT64, COMPLEX64, COMPLEX128 -> new FloatWriter(to);
      case STRING, RESOURCE, VARIANT -> throw new IllegalArgumentException("no numbers: " + to);
    };
  }

  /** Returns the bytes that one number takes in the tensor. */
  abstract int targetSize();

  abstract int write(long[] values, int count, long address);

  /** Fractions are cut off towards zero, as by C and NumPy, where the tensor has none. */
  abstract int write(double[] values, int count, long address);

  abstract int write(BigInteger[] values, long address);
}
