package io.tensorarrow.spark.tensor.vector;

import java.util.Optional;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.Decimal;
import org.apache.spark.sql.vectorized.ColumnVector;
import org.apache.spark.sql.vectorized.ColumnarArray;
import org.apache.spark.sql.vectorized.ColumnarMap;
import org.apache.spark.unsafe.types.UTF8String;

/** A vector over a tensor's memory: nothing is null, and only its own type can be read. */
public abstract class TensorVector extends ColumnVector {
  public TensorVector(DataType type) {
    super(type);
  }

  /**
   * Returns another vector over the same memory, which lives until both are closed.
   *
   * @param allocator counts the memory once this vector is closed
   * @throws UnsupportedOperationException if this is only a part of an output's vector, or none
   */
  public TensorVector retained(BufferAllocator allocator) {
    throw new UnsupportedOperationException("not a whole output");
  }

  /** Returns the tensor that this shows; empty if it shows something else, such as shapes. */
  public Optional<TensorColumn> tensor() {
    return Optional.empty();
  }

  @Override
  public final boolean hasNull() {
    return false;
  }

  @Override
  public final int numNulls() {
    return 0;
  }

  @Override
  public final boolean isNullAt(int rowId) {
    return false;
  }

  @Override
  public boolean getBoolean(int rowId) {
    throw notOfThisType();
  }

  @Override
  public byte getByte(int rowId) {
    throw notOfThisType();
  }

  @Override
  public short getShort(int rowId) {
    throw notOfThisType();
  }

  @Override
  public int getInt(int rowId) {
    throw notOfThisType();
  }

  @Override
  public long getLong(int rowId) {
    throw notOfThisType();
  }

  @Override
  public float getFloat(int rowId) {
    throw notOfThisType();
  }

  @Override
  public double getDouble(int rowId) {
    throw notOfThisType();
  }

  @Override
  public Decimal getDecimal(int rowId, int precision, int scale) {
    throw notOfThisType();
  }

  @Override
  public ColumnarArray getArray(int rowId) {
    throw notOfThisType();
  }

  @Override
  public ColumnVector getChild(int ordinal) {
    throw notOfThisType();
  }

  @Override
  public final ColumnarMap getMap(int rowId) {
    throw notOfThisType();
  }

  @Override
  public final UTF8String getUTF8String(int rowId) {
    throw notOfThisType();
  }

  @Override
  public final byte[] getBinary(int rowId) {
    throw notOfThisType();
  }

  private UnsupportedOperationException notOfThisType() {
    return new UnsupportedOperationException("a vector of " + type.catalogString());
  }
}
