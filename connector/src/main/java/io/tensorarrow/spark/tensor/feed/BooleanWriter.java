package io.tensorarrow.spark.tensor.feed;

import java.math.BigInteger;
import org.apache.spark.unsafe.Platform;

/** Writes booleans, one byte each. Whatever is not 0 is true, also NaN, as in NumPy and SQL. */
final class BooleanWriter extends NumberWriter {
  @Override
  int targetSize() {
    return 1;
  }

  @Override
  int write(long[] values, int count, long address) {
    for (int i = 0; i < count; i++) {
      put(values[i] != 0, address + i);
    }
    return ElementCopier.NONE;
  }

  @Override
  int write(double[] values, int count, long address) {
    for (int i = 0; i < count; i++) {
      put(values[i] != 0, address + i);
    }
    return ElementCopier.NONE;
  }

  @Override
  int write(BigInteger[] values, long address) {
    for (int i = 0; i < values.length; i++) {
      put(values[i].signum() != 0, address + i);
    }
    return ElementCopier.NONE;
  }

  private static void put(boolean value, long address) {
    Platform.putByte(null, address, (byte) (value ? 1 : 0));
  }
}
