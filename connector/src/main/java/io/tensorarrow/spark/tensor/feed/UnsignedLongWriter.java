package io.tensorarrow.spark.tensor.feed;

import java.math.BigInteger;
import org.apache.spark.unsafe.Platform;

/** Writes uint64, half of whose values are no longs. */
final class UnsignedLongWriter extends NumberWriter {
  @Override
  int targetSize() {
    return Long.BYTES;
  }

  @Override
  int write(long[] values, int count, long address) {
    for (int i = 0; i < count; i++) {
      if (values[i] < 0) {
        return i;
      }
      put(values[i], i, address);
    }
    return ElementCopier.NONE;
  }

  @Override
  int write(double[] values, int count, long address) {
    for (int i = 0; i < count; i++) {
      double value = values[i];
      if (!(value > -1 && value < 0x1p64)) {
        return i;
      }
      long bits = value < 0x1p63 ? (long) value : (long) (value - 0x1p63) | Long.MIN_VALUE;
      put(bits, i, address);
    }
    return ElementCopier.NONE;
  }

  @Override
  int write(BigInteger[] values, long address) {
    for (int i = 0; i < values.length; i++) {
      if (values[i].signum() < 0 || values[i].bitLength() > Long.SIZE) {
        return i;
      }
      put(values[i].longValue(), i, address);
    }
    return ElementCopier.NONE;
  }

  private static void put(long bits, int index, long address) {
    Platform.putLong(null, address + (long) Long.BYTES * index, bits);
  }
}
