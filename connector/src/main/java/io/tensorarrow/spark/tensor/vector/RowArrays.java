package io.tensorarrow.spark.tensor.vector;

import java.util.Optional;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.vectorized.ColumnarArray;

/**
 * Arrays of equal length over elements that are one after another. Owns the elements; closing may
 * be repeated.
 */
public final class RowArrays extends TensorVector {
  private final TensorVector elements;
  private final int width;

  public RowArrays(TensorVector elements, int width) {
    super(DataTypes.createArrayType(elements.dataType(), false));
    this.elements = elements;
    this.width = width;
  }

  /** Returns how many elements each array has. */
  public int width() {
    return width;
  }

  @Override
  public ColumnarArray getArray(int rowId) {
    return new ColumnarArray(elements, rowId * width, width);
  }

  @Override
  public TensorVector getChild(int ordinal) {
    return elements;
  }

  @Override
  public Optional<TensorColumn> tensor() {
    return elements.tensor();
  }

  @Override
  public RowArrays retained(BufferAllocator allocator) {
    return new RowArrays(elements.retained(allocator), width);
  }

  @Override
  public void close() {
    elements.close();
  }
}
