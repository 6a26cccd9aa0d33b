package io.tensorarrow.spark.tensor;

import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.Decimal;
import org.apache.spark.sql.vectorized.ColumnVector;
import org.apache.spark.sql.vectorized.ColumnarArray;
import org.apache.spark.sql.vectorized.ColumnarMap;
import org.apache.spark.unsafe.types.UTF8String;

/** The elements of one array as a vector, for vectors that do not show where their elements lie. */
final class ArrayElements extends ColumnVector {
  private final ColumnarArray array;

  ArrayElements(DataType elementType, ColumnarArray array) {
    super(elementType);
    this.array = array;
  }

  /** Does nothing: the array's own vector holds the memory. */
  @Override
  public void close() {}

  @Override
  public boolean hasNull() {
    return numNulls() > 0;
  }

  @Override
  public int numNulls() {
    int nulls = 0;
    for (int i = 0; i < array.numElements(); i++) {
      nulls += array.isNullAt(i) ? 1 : 0;
    }
    return nulls;
  }

  @Override
  public boolean isNullAt(int rowId) {
    return array.isNullAt(rowId);
  }

  @Override
  public boolean getBoolean(int rowId) {
    return array.getBoolean(rowId);
  }

  @Override
  public byte getByte(int rowId) {
    return array.getByte(rowId);
  }

  @Override
  public short getShort(int rowId) {
    return array.getShort(rowId);
  }

  @Override
  public int getInt(int rowId) {
    return array.getInt(rowId);
  }

  @Override
  public long getLong(int rowId) {
    return array.getLong(rowId);
  }

  @Override
  public float getFloat(int rowId) {
    return array.getFloat(rowId);
  }

  @Override
  public double getDouble(int rowId) {
    return array.getDouble(rowId);
  }

  @Override
  public ColumnarArray getArray(int rowId) {
    return array.getArray(rowId);
  }

  @Override
  public ColumnarMap getMap(int ordinal) {
    return array.getMap(ordinal);
  }

  @Override
  public Decimal getDecimal(int rowId, int precision, int scale) {
    return array.getDecimal(rowId, precision, scale);
  }

  @Override
  public UTF8String getUTF8String(int rowId) {
    return array.getUTF8String(rowId);
  }

  @Override
  public byte[] getBinary(int rowId) {
    return array.getBinary(rowId);
  }

  @Override
  public ColumnVector getChild(int ordinal) {
    throw new UnsupportedOperationException("elements of an array have no child vectors");
  }
}
