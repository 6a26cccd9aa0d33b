package io.tensorarrow.spark.tensor.feed;

import io.tensorarrow.spark.tensor.DType;
import java.math.BigInteger;
import org.apache.spark.unsafe.Platform;

/**
 * Writes floating point numbers, rounded to the nearest. Finite numbers that would become infinite
 * do not fit; the infinities and NaN do. Complex numbers get no imaginary part.
 */
final class FloatWriter extends NumberWriter {
  private final DType to;
  private final double[] scratch = new double[ElementCopier.PIECE];

  FloatWriter(DType to) {
    this.to = to;
  }

  @Override
  int targetSize() {
    return to.byteSize();
  }

  @Override
  int write(long[] values, int count, long address) {
    boolean shorter = isShorterThanDouble();
    for (int i = 0; i < count; i++) {
      scratch[i] = shorter ? Rounding.traced(values[i]) : values[i];
    }
    return write(scratch, count, address);
  }

  @Override
  int write(BigInteger[] values, long address) {
    boolean shorter = isShorterThanDouble();
    for (int i = 0; i < values.length; i++) {
      scratch[i] = shorter ? Rounding.traced(values[i]) : values[i].doubleValue();
    }
    return write(scratch, values.length, address);
  }

  @Override
  int write(double[] values, int count, long address) {
    switch (to) {
      case FLOAT64 -> {
        for (int i = 0; i < count; i++) {
          Platform.putDouble(null, address + 8L * i, values[i]);
        }
      }
      case COMPLEX128 -> {
        for (int i = 0; i < count; i++) {
          Platform.putDouble(null, address + 16L * i, values[i]);
          Platform.putDouble(null, address + 16L * i + 8, 0);
        }
      }
      case FLOAT32 -> {
        for (int i = 0; i < count; i++) {
          float value = (float) values[i];
          if (Float.isInfinite(value) && !Double.isInfinite(values[i])) {
            return i;
          }
          Platform.putFloat(null, address + 4L * i, value);
        }
      }
      case COMPLEX64 -> {
        for (int i = 0; i < count; i++) {
          float value = (float) values[i];
          if (Float.isInfinite(value) && !Double.isInfinite(values[i])) {
            return i;
          }
          Platform.putFloat(null, address + 8L * i, value);
          Platform.putFloat(null, address + 8L * i + 4, 0);
        }
      }
      case FLOAT16 -> {
        for (int i = 0; i < count; i++) {
          short value = Rounding.toFloat16(values[i]);
          if (Rounding.isInfiniteFloat16(value) && !Double.isInfinite(values[i])) {
            return i;
          }
          Platform.putShort(null, address + 2L * i, value);
        }
      }
      case BFLOAT16 -> {
        for (int i = 0; i < count; i++) {
          short value = Rounding.toBfloat16(values[i]);
          if (Rounding.isInfiniteBfloat16(value) && !Double.isInfinite(values[i])) {
            return i;
          }
          Platform.putShort(null, address + 2L * i, value);
        }
      }
      default -> throw new IllegalStateException("not floating point: " + to);
    }
    return ElementCopier.NONE;
  }

  private boolean isShorterThanDouble() {
    return to != DType.FLOAT64 && to != DType.COMPLEX128;
  }
}
