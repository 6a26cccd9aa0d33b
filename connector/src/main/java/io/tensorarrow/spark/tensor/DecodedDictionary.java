package io.tensorarrow.spark.tensor;

import java.util.Arrays;
import org.apache.spark.sql.execution.vectorized.WritableColumnVector;
import org.apache.spark.unsafe.Platform;

/**
 * The values of a vector that Parquet left encoded by a dictionary, each decoded once: Spark's own
 * bulk reads ask the dictionary for every element, through two virtual calls.
 *
 * <p>Valid for as long as the vector keeps its batch. Not thread-safe.
 */
final class DecodedDictionary {
  private static final int LEAST_IDS = 256;

  private final WritableColumnVector vector;
  private final WritableColumnVector ids;
  private final ElementType type;
  private long[] values = new long[LEAST_IDS];
  private boolean[] known = new boolean[LEAST_IDS];

  /**
   * Takes a vector with a dictionary.
   *
   * @param type of its elements, of 4 or 8 bytes
   */
  DecodedDictionary(WritableColumnVector vector, ElementType type) {
    this.vector = vector;
    this.ids = vector.getDictionaryIds();
    this.type = type;
  }

  boolean isOf(WritableColumnVector other) {
    return vector == other;
  }

  /** Copies elements, none of which is null, to memory. */
  void copy(int start, int count, long address) {
    int[] chosen = ids.getInts(start, count);
    boolean wide = type == ElementType.LONG || type == ElementType.DOUBLE;
    for (int i = 0; i < count; i++) {
      int id = chosen[i];
      if (id >= known.length || !known[id]) {
        decode(id, start + i);
      }
      if (wide) {
        Platform.putLong(null, address + (long) i * Long.BYTES, values[id]);
      } else {
        Platform.putInt(null, address + (long) i * Integer.BYTES, (int) values[id]);
      }
    }
  }

  private void decode(int id, int at) {
    if (id >= known.length) {
      int length = Math.max(id + 1, 2 * known.length);
      values = Arrays.copyOf(values, length);
      known = Arrays.copyOf(known, length);
    }
    values[id] =
        switch (type) {
          case INT -> vector.getInt(at);
          case LONG -> vector.getLong(at);
          case FLOAT -> Float.floatToRawIntBits(vector.getFloat(at));
          case DOUBLE -> Double.doubleToRawLongBits(vector.getDouble(at));
          case BOOLEAN,
              BYTE,
              SHORT,
              DECIMAL,
              COMPLEX_FLOAT,
              COMPLEX_DOUBLE,
              STRING,
              BINARY,
              BYTE_OF_BINARY ->
              throw new IllegalStateException("not of 4 or 8 bytes: " + type);
        };
    known[id] = true;
  }
}
