package io.tensorarrow.spark.tensor.fetch;

import io.tensorarrow.spark.tensor.vector.RowArrays;
import io.tensorarrow.spark.tensor.vector.TensorColumn;
import io.tensorarrow.spark.tensor.vector.TensorVector;
import java.util.Optional;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;

/**
 * Structs of a row's elements and a row's shape, which all rows have in common. Owns the elements;
 * closing may be repeated.
 */
final class ShapedRows extends TensorVector {
  private final RowArrays data;
  private final RowArrays shape;
  private final int[] rowDims;

  /**
   * @param data the elements of each row, taken over
   * @param rowDims the shape of one row
   */
  ShapedRows(RowArrays data, int[] rowDims) {
    super(type(data));
    this.data = data;
    this.rowDims = rowDims;
    this.shape = new RowArrays(new Repeated(rowDims), rowDims.length);
  }

  private static StructType type(RowArrays data) {
    return new StructType()
        .add("data", data.dataType(), false)
        .add("shape", DataTypes.createArrayType(DataTypes.IntegerType, false), false);
  }

  @Override
  public RowArrays getChild(int ordinal) {
    return ordinal == 0 ? data : shape;
  }

  @Override
  public Optional<TensorColumn> tensor() {
    return data.tensor();
  }

  @Override
  public ShapedRows retained(BufferAllocator allocator) {
    return new ShapedRows(data.retained(allocator), rowDims);
  }

  @Override
  public void close() {
    data.close();
  }

  /** The same numbers over and over. */
  private static final class Repeated extends TensorVector {
    private final int[] numbers;

    Repeated(int[] numbers) {
      super(DataTypes.IntegerType);
      this.numbers = numbers;
    }

    @Override
    public int getInt(int rowId) {
      return numbers[rowId % numbers.length];
    }

    /** Does nothing: there is no native memory. */
    @Override
    public void close() {}
  }
}
