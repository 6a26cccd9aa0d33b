package io.tensorarrow.spark.tensor.feed;

import io.tensorarrow.spark.tensor.DType;
import java.math.BigInteger;
import org.apache.spark.unsafe.Platform;

/** Writes integers of at most 64 bits, all of which are longs. */
final class IntegerWriter extends NumberWriter {
  private final int size;
  private final long min;
  private final long max;

  /** The bits of a number that are written: TensorFlow leaves the upper half of an int4 zero. */
  private final long bits;

  private final long[] scratch = new long[ElementCopier.PIECE];

  private IntegerWriter(DType to, long min, long max) {
    this.size = to.byteSize();
    this.min = min;
    this.max = max;
    this.bits = -1L >>> (Long.SIZE - to.bitSize());
  }

  static IntegerWriter signed(DType to) {
    long max = Long.MAX_VALUE >>> (Long.SIZE - to.bitSize());
    return new IntegerWriter(to, -max - 1, max);
  }

  /** Makes a writer of numbers of less than 64 bits. */
  static IntegerWriter unsigned(DType to) {
    return new IntegerWriter(to, 0, (1L << to.bitSize()) - 1);
  }

  @Override
  int targetSize() {
    return size;
  }

  @Override
  int write(long[] values, int count, long address) {
    int fitting = 0;
    while (fitting < count && fits(values[fitting])) {
      fitting++;
    }
    put(values, fitting, address);
    return fitting == count ? ElementCopier.NONE : fitting;
  }

  @Override
  int write(double[] values, int count, long address) {
    int longs = 0;
    while (longs < count && isLong(values[longs])) {
      scratch[longs] = (long) values[longs];
      longs++;
    }
    int unfit = write(scratch, longs, address);
    return unfit == ElementCopier.NONE && longs < count ? longs : unfit;
  }

  @Override
  int write(BigInteger[] values, long address) {
    int longs = 0;
    while (longs < values.length && values[longs].bitLength() < Long.SIZE) {
      scratch[longs] = values[longs].longValue();
      longs++;
    }
    int unfit = write(scratch, longs, address);
    return unfit == ElementCopier.NONE && longs < values.length ? longs : unfit;
  }

  private boolean fits(long value) {
    return value >= min && value <= max;
  }

  /** Returns whether the value without its fraction is a long; NaN and the infinities are none. */
  private static boolean isLong(double value) {
    return value >= -0x1p63 && value < 0x1p63;
  }

  private void put(long[] values, int count, long address) {
    switch (size) {
      case Byte.BYTES -> {
        for (int i = 0; i < count; i++) {
          Platform.putByte(null, address + i, (byte) (values[i] & bits));
        }
      }
      case Short.BYTES -> {
        for (int i = 0; i < count; i++) {
          Platform.putShort(null, address + 2L * i, (short) values[i]);
        }
      }
      case Integer.BYTES -> {
        for (int i = 0; i < count; i++) {
          Platform.putInt(null, address + 4L * i, (int) values[i]);
        }
      }
      default -> {
        for (int i = 0; i < count; i++) {
          Platform.putLong(null, address + 8L * i, values[i]);
        }
      }
    }
  }
}
