package io.tensorarrow.spark.tensor;

import java.util.Objects;
import org.apache.arrow.vector.BaseFixedWidthVector;
import org.apache.spark.sql.vectorized.ArrowColumnVector;
import org.apache.spark.sql.vectorized.ColumnVector;
import org.apache.spark.unsafe.Platform;

/**
 * Copies elements that follow one another in a vector into native memory, converted to a tensor's
 * element type. Made anew for each feed: it keeps scratch space.
 */
abstract class ElementCopier {
  /** Answer of {@link #copy}: every element fitted. */
  static final int ALL_FIT = -1;

  /** How many elements pass through the heap at once: few enough to stay in the cache. */
  static final int PIECE = 16 * 1024;

  static ElementCopier of(ElementType from, ElementType to) {
    if (from == to) {
      return new SameBytes(to);
    }
    return from.floating() ? new FromFloating(from, to) : new FromIntegral(from, to);
  }

  /**
   * Copies elements, none of which is null.
   *
   * @param from a vector of the element type that this copier was made for
   * @param start the vector's index of the first element
   * @param count how many elements
   * @param address where the first one goes
   * @return {@link #ALL_FIT}, or how many elements lie before the first one that does not fit
   */
  final int copy(ColumnVector from, int start, int count, long address) {
    for (int done = 0; done < count; done += PIECE) {
      int piece = Math.min(PIECE, count - done);
      int unfit = copyPiece(from, start + done, piece, address + (long) done * targetSize());
      if (unfit != ALL_FIT) {
        return done + unfit;
      }
    }
    return ALL_FIT;
  }

  abstract int targetSize();

  abstract int copyPiece(ColumnVector from, int start, int count, long address);

  /**
   * No conversion: from Arrow memory in one go, else through a heap array that the vector fills in
   * bulk.
   */
  private static final class SameBytes extends ElementCopier {
    /** Below this, reading one by one is cheaper than the heap array. */
    private static final int SHORT_RUN = 8;

    private final ElementType type;

    SameBytes(ElementType type) {
      this.type = type;
    }

    @Override
    int targetSize() {
      return type.byteSize();
    }

    @Override
    int copyPiece(ColumnVector from, int start, int count, long address) {
      if (from instanceof ArrowColumnVector arrow
          && arrow.getValueVector() instanceof BaseFixedWidthVector vector
          && vector.getMinorType() == type.arrowType()) {
        Objects.checkFromIndexSize(start, count, vector.getValueCount());
        long source = vector.getDataBufferAddress() + (long) start * type.byteSize();
        Platform.copyMemory(null, source, null, address, (long) count * type.byteSize());
      } else if (count < SHORT_RUN) {
        copyOneByOne(from, start, count, address);
      } else {
        copyInBulk(from, start, count, address);
      }
      return ALL_FIT;
    }

    private void copyInBulk(ColumnVector from, int start, int count, long address) {
      switch (type) {
        case BYTE -> put(from.getBytes(start, count), Platform.BYTE_ARRAY_OFFSET, count, address);
        case SHORT ->
            put(from.getShorts(start, count), Platform.SHORT_ARRAY_OFFSET, count, address);
        case INT -> put(from.getInts(start, count), Platform.INT_ARRAY_OFFSET, count, address);
        case LONG -> put(from.getLongs(start, count), Platform.LONG_ARRAY_OFFSET, count, address);
        case FLOAT ->
            put(from.getFloats(start, count), Platform.FLOAT_ARRAY_OFFSET, count, address);
        case DOUBLE ->
            put(from.getDoubles(start, count), Platform.DOUBLE_ARRAY_OFFSET, count, address);
      }
    }

    private void put(Object array, long arrayOffset, int count, long address) {
      Platform.copyMemory(array, arrayOffset, null, address, (long) count * type.byteSize());
    }

    private void copyOneByOne(ColumnVector from, int start, int count, long address) {
      for (int i = 0; i < count; i++) {
        long target = address + (long) i * type.byteSize();
        int at = start + i;
        switch (type) {
          case BYTE -> Platform.putByte(null, target, from.getByte(at));
          case SHORT -> Platform.putShort(null, target, from.getShort(at));
          case INT -> Platform.putInt(null, target, from.getInt(at));
          case LONG -> Platform.putLong(null, target, from.getLong(at));
          case FLOAT -> Platform.putFloat(null, target, from.getFloat(at));
          case DOUBLE -> Platform.putDouble(null, target, from.getDouble(at));
        }
      }
    }
  }

  /** From byte, short, int and long, all exact in a long. */
  private static final class FromIntegral extends ElementCopier {
    private final ElementType source;
    private final ElementType target;
    private final long[] scratch = new long[PIECE];

    FromIntegral(ElementType source, ElementType target) {
      this.source = source;
      this.target = target;
    }

    @Override
    int targetSize() {
      return target.byteSize();
    }

    @Override
    int copyPiece(ColumnVector from, int start, int count, long address) {
      read(from, start, count);
      return write(count, address);
    }

    private void read(ColumnVector from, int start, int count) {
      switch (source) {
        case BYTE -> {
          for (int i = 0; i < count; i++) {
            scratch[i] = from.getByte(start + i);
          }
        }
        case SHORT -> {
          for (int i = 0; i < count; i++) {
            scratch[i] = from.getShort(start + i);
          }
        }
        case INT -> {
          for (int i = 0; i < count; i++) {
            scratch[i] = from.getInt(start + i);
          }
        }
        case LONG -> {
          for (int i = 0; i < count; i++) {
            scratch[i] = from.getLong(start + i);
          }
        }
        case FLOAT, DOUBLE -> throw new IllegalStateException("not an integer: " + source);
      }
    }

    private int write(int count, long address) {
      switch (target) {
        case BYTE -> {
          for (int i = 0; i < count; i++) {
            byte value = (byte) scratch[i];
            if (value != scratch[i]) {
              return i;
            }
            Platform.putByte(null, address + i, value);
          }
        }
        case SHORT -> {
          for (int i = 0; i < count; i++) {
            short value = (short) scratch[i];
            if (value != scratch[i]) {
              return i;
            }
            Platform.putShort(null, address + 2L * i, value);
          }
        }
        case INT -> {
          for (int i = 0; i < count; i++) {
            int value = (int) scratch[i];
            if (value != scratch[i]) {
              return i;
            }
            Platform.putInt(null, address + 4L * i, value);
          }
        }
        case LONG -> {
          for (int i = 0; i < count; i++) {
            Platform.putLong(null, address + 8L * i, scratch[i]);
          }
        }
        case FLOAT -> {
          for (int i = 0; i < count; i++) {
            Platform.putFloat(null, address + 4L * i, (float) scratch[i]);
          }
        }
        case DOUBLE -> {
          for (int i = 0; i < count; i++) {
            Platform.putDouble(null, address + 8L * i, (double) scratch[i]);
          }
        }
      }
      return ALL_FIT;
    }
  }

  /**
   * From float and double, both exact in a double. Fractions are cut off towards zero, as by C and
   * NumPy.
   */
  private static final class FromFloating extends ElementCopier {
    private final ElementType source;
    private final ElementType target;
    private final double[] scratch = new double[PIECE];

    FromFloating(ElementType source, ElementType target) {
      this.source = source;
      this.target = target;
    }

    @Override
    int targetSize() {
      return target.byteSize();
    }

    @Override
    int copyPiece(ColumnVector from, int start, int count, long address) {
      read(from, start, count);
      return write(count, address);
    }

    private void read(ColumnVector from, int start, int count) {
      switch (source) {
        case FLOAT -> {
          for (int i = 0; i < count; i++) {
            scratch[i] = from.getFloat(start + i);
          }
        }
        case DOUBLE -> {
          for (int i = 0; i < count; i++) {
            scratch[i] = from.getDouble(start + i);
          }
        }
        case BYTE, SHORT, INT, LONG ->
            throw new IllegalStateException("not floating point: " + source);
      }
    }

    private int write(int count, long address) {
      switch (target) {
        case BYTE -> {
          for (int i = 0; i < count; i++) {
            long value = (long) scratch[i];
            if (!fitsLong(scratch[i]) || value != (byte) value) {
              return i;
            }
            Platform.putByte(null, address + i, (byte) value);
          }
        }
        case SHORT -> {
          for (int i = 0; i < count; i++) {
            long value = (long) scratch[i];
            if (!fitsLong(scratch[i]) || value != (short) value) {
              return i;
            }
            Platform.putShort(null, address + 2L * i, (short) value);
          }
        }
        case INT -> {
          for (int i = 0; i < count; i++) {
            long value = (long) scratch[i];
            if (!fitsLong(scratch[i]) || value != (int) value) {
              return i;
            }
            Platform.putInt(null, address + 4L * i, (int) value);
          }
        }
        case LONG -> {
          for (int i = 0; i < count; i++) {
            if (!fitsLong(scratch[i])) {
              return i;
            }
            Platform.putLong(null, address + 8L * i, (long) scratch[i]);
          }
        }
        case FLOAT -> {
          for (int i = 0; i < count; i++) {
            float value = (float) scratch[i];
            if (Float.isInfinite(value) && !Double.isInfinite(scratch[i])) {
              return i;
            }
            Platform.putFloat(null, address + 4L * i, value);
          }
        }
        case DOUBLE -> {
          for (int i = 0; i < count; i++) {
            Platform.putDouble(null, address + 8L * i, scratch[i]);
          }
        }
      }
      return ALL_FIT;
    }

    /**
     * Returns whether the value without its fraction is a long; NaN and the infinities are none.
     */
    private static boolean fitsLong(double value) {
      return value >= -0x1p63 && value < 0x1p63;
    }
  }
}
