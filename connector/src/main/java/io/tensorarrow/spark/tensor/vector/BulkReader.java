package io.tensorarrow.spark.tensor.vector;

import java.util.Objects;
import java.util.Optional;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.vector.BaseFixedWidthVector;
import org.apache.spark.sql.types.BooleanType;
import org.apache.spark.sql.types.ByteType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DateType;
import org.apache.spark.sql.types.DoubleType;
import org.apache.spark.sql.types.FloatType;
import org.apache.spark.sql.types.IntegerType;
import org.apache.spark.sql.types.LongType;
import org.apache.spark.sql.types.ShortType;
import org.apache.spark.sql.types.TimestampNTZType;
import org.apache.spark.sql.types.TimestampType;
import org.apache.spark.sql.vectorized.ArrowColumnVector;
import org.apache.spark.sql.vectorized.ColumnVector;
import org.apache.spark.unsafe.Platform;

/**
 * Copies values of fixed width from a vector into native memory, with the bytes that they have in
 * Java: from Arrow memory in one go, else through heap arrays that the vector fills in bulk. Looks
 * at no nulls: where a value is null, anything may be written, or the vector may fail.
 */
public enum BulkReader {
  /** One byte each, 0 or 1. */
  BOOLEANS(Byte.BYTES),
  BYTES(Byte.BYTES),
  SHORTS(Short.BYTES),
  INTS(Integer.BYTES),
  LONGS(Long.BYTES),
  FLOATS(Float.BYTES),
  DOUBLES(Double.BYTES);

  /** How many values go through a heap array at once: it stays in the processor's cache. */
  private static final int CHUNK = 1 << 13;

  /** Below this, reading one by one is cheaper than the heap array. */
  private static final int SHORT_RUN = 8;

  private final int width;

  BulkReader(int width) {
    this.width = width;
  }

  /** Finds the reader of a type; empty if its values have no fixed width of 8 bytes or less. */
  public static Optional<BulkReader> of(DataType type) {
    if (type instanceof BooleanType) {
      return Optional.of(BOOLEANS);
    }
    if (type instanceof ByteType) {
      return Optional.of(BYTES);
    }
    if (type instanceof ShortType) {
      return Optional.of(SHORTS);
    }
    if (type instanceof IntegerType || type instanceof DateType) {
      return Optional.of(INTS);
    }
    if (type instanceof LongType
        || type instanceof TimestampType
        || type instanceof TimestampNTZType) {
      return Optional.of(LONGS);
    }
    if (type instanceof FloatType) {
      return Optional.of(FLOATS);
    }
    return type instanceof DoubleType ? Optional.of(DOUBLES) : Optional.empty();
  }

  /** Returns how many bytes a value has. */
  public int width() {
    return width;
  }

  /**
   * Copies values into a buffer.
   *
   * @param start the vector's row of the first value
   * @param offset where in the buffer the first value goes, in bytes
   */
  public void read(ColumnVector from, int start, int count, ArrowBuf to, long offset) {
    to.checkBytes(offset, offset + (long) count * width);
    read(from, start, count, to.memoryAddress() + offset);
  }

  /**
   * Copies values to an address.
   *
   * @param start the vector's row of the first value
   * @param address where the first value goes; the memory must hold all values
   */
  public void read(ColumnVector from, int start, int count, long address) {
    // Arrow's booleans are bits. A source that says one type and gives another must not be read
    // beyond its end: Spark's accessors refuse it.
    if (this != BOOLEANS
        && from instanceof ArrowColumnVector arrow
        && arrow.getValueVector() instanceof BaseFixedWidthVector vector
        && of(from.dataType()).filter(reader -> reader == this).isPresent()) {
      Objects.checkFromIndexSize(start, count, vector.getValueCount());
      long source = vector.getDataBufferAddress() + (long) start * width;
      Platform.copyMemory(null, source, null, address, (long) count * width);
    } else if (count < SHORT_RUN) {
      readOneByOne(from, start, count, address);
    } else {
      for (int done = 0; done < count; done += CHUNK) {
        int chunk = Math.min(CHUNK, count - done);
        readChunk(from, start + done, chunk, address + (long) done * width);
      }
    }
  }

  private void readChunk(ColumnVector from, int start, int count, long address) {
    switch (this) {
      case BOOLEANS ->
          put(from.getBooleans(start, count), Platform.BOOLEAN_ARRAY_OFFSET, count, address);
      case BYTES -> put(from.getBytes(start, count), Platform.BYTE_ARRAY_OFFSET, count, address);
      case SHORTS -> put(from.getShorts(start, count), Platform.SHORT_ARRAY_OFFSET, count, address);
      case INTS -> put(from.getInts(start, count), Platform.INT_ARRAY_OFFSET, count, address);
      case LONGS -> put(from.getLongs(start, count), Platform.LONG_ARRAY_OFFSET, count, address);
      case FLOATS -> put(from.getFloats(start, count), Platform.FLOAT_ARRAY_OFFSET, count, address);
      case DOUBLES ->
          put(from.getDoubles(start, count), Platform.DOUBLE_ARRAY_OFFSET, count, address);
    }
  }

  private void put(Object array, long arrayOffset, int count, long address) {
    Platform.copyMemory(array, arrayOffset, null, address, (long) count * width);
  }

  private void readOneByOne(ColumnVector from, int start, int count, long address) {
    for (int i = 0; i < count; i++) {
      long target = address + (long) i * width;
      int row = start + i;
      switch (this) {
        case BOOLEANS -> Platform.putByte(null, target, (byte) (from.getBoolean(row) ? 1 : 0));
        case BYTES -> Platform.putByte(null, target, from.getByte(row));
        case SHORTS -> Platform.putShort(null, target, from.getShort(row));
        case INTS -> Platform.putInt(null, target, from.getInt(row));
        case LONGS -> Platform.putLong(null, target, from.getLong(row));
        case FLOATS -> Platform.putFloat(null, target, from.getFloat(row));
        case DOUBLES -> Platform.putDouble(null, target, from.getDouble(row));
      }
    }
  }
}
