package io.tensorarrow.spark.tensor.feed;

import io.tensorarrow.spark.options.CastMode;
import io.tensorarrow.spark.tensor.NativeTensor;
import io.tensorarrow.spark.tensor.TensorSpec;
import io.tensorarrow.spark.tensor.vector.RowSelection;
import java.util.Arrays;
import org.apache.spark.sql.execution.vectorized.WritableColumnVector;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.vectorized.ColumnVector;

/** Feeds columns in tests. */
final class TestFeeds {
  /** The struct that Spark has for a column of Spark ML's vectors. */
  static final StructType ML_VECTOR =
      new StructType()
          .add("type", DataTypes.ByteType)
          .add("size", DataTypes.IntegerType)
          .add("indices", DataTypes.createArrayType(DataTypes.IntegerType))
          .add("values", DataTypes.createArrayType(DataTypes.DoubleType));

  private TestFeeds() {}

  /** Feeds the first rows of a column by any cast; the caller owns the tensor. */
  static NativeTensor feed(TensorSpec spec, DataType type, ColumnVector column, int rows) {
    return ColumnFeeder.create(spec, "c", type, CastMode.UNSAFE)
        .feed(column, RowSelection.range(0, rows));
  }

  /**
   * Appends one of Spark ML's vectors.
   *
   * @param type 0 for a sparse vector, 1 for a dense one
   * @param size of a sparse vector
   * @param indices of a sparse vector's values
   */
  static void appendVector(
      WritableColumnVector column, int type, int size, int[] indices, double... values) {
    column.appendStruct(false);
    column.getChild(0).appendByte((byte) type);
    column.getChild(1).appendInt(size);
    column.getChild(2).appendArray(indices.length);
    Arrays.stream(indices).forEach(column.getChild(2).arrayData()::appendInt);
    column.getChild(3).appendArray(values.length);
    Arrays.stream(values).forEach(column.getChild(3).arrayData()::appendDouble);
  }
}
