package io.tensorarrow.bench;

import java.nio.charset.StandardCharsets;
import java.util.SplittableRandom;
import org.apache.spark.sql.execution.vectorized.OnHeapColumnVector;
import org.apache.spark.sql.execution.vectorized.WritableColumnVector;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.DataTypes;

/** Columns to feed, as Spark's Parquet reader makes them. The caller owns and closes them. */
final class Columns {
  static final ArrayType FLOATS = DataTypes.createArrayType(DataTypes.FloatType, false);

  private Columns() {}

  /** Returns rows of {@code width} floats in [0, 1). */
  static WritableColumnVector floats(int rows, int width) {
    SplittableRandom random = new SplittableRandom(1);
    WritableColumnVector column = new OnHeapColumnVector(rows, FLOATS);
    column.arrayData().reserve(rows * width);
    for (int row = 0; row < rows; row++) {
      column.putArray(row, row * width, width);
      for (int i = 0; i < width; i++) {
        column.arrayData().appendFloat((float) random.nextDouble());
      }
    }
    return column;
  }

  /** Returns rows of strings of {@code length} letters. */
  static WritableColumnVector strings(int rows, int length) {
    SplittableRandom random = new SplittableRandom(2);
    WritableColumnVector column = new OnHeapColumnVector(rows, DataTypes.StringType);
    for (int row = 0; row < rows; row++) {
      StringBuilder text = new StringBuilder(length);
      for (int i = 0; i < length; i++) {
        text.append((char) ('A' + random.nextInt(26)));
      }
      byte[] bytes = text.toString().getBytes(StandardCharsets.US_ASCII);
      column.putByteArray(row, bytes, 0, bytes.length);
    }
    return column;
  }
}
