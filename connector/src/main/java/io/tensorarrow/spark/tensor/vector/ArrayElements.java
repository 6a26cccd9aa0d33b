package io.tensorarrow.spark.tensor.vector;

import org.apache.spark.sql.catalyst.expressions.SpecializedGetters;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.Decimal;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.vectorized.ColumnVector;
import org.apache.spark.sql.vectorized.ColumnarArray;
import org.apache.spark.sql.vectorized.ColumnarMap;
import org.apache.spark.sql.vectorized.ColumnarRow;
import org.apache.spark.unsafe.types.UTF8String;

/** The elements of one array as a vector, for vectors that do not show where their elements are. */
public final class ArrayElements extends ColumnVector {
  private static final int WHOLE = -1;

  private final ColumnarArray array;

  /** The field of each element that this shows, or {@link #WHOLE} for the elements themselves. */
  private final int field;

  private final int fields;

  public ArrayElements(DataType elementType, ColumnarArray array) {
    this(elementType, array, WHOLE, 0);
  }

  private ArrayElements(DataType type, ColumnarArray array, int field, int fields) {
    super(type);
    this.array = array;
    this.field = field;
    this.fields = fields;
  }

  /** Returns what holds an element's value, at {@link #ordinal}. */
  private SpecializedGetters holder(int rowId) {
    return field == WHOLE ? array : struct(rowId);
  }

  private int ordinal(int rowId) {
    return field == WHOLE ? rowId : field;
  }

  private ColumnarRow struct(int rowId) {
    return array.getStruct(rowId, fields);
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
      nulls += isNullAt(i) ? 1 : 0;
    }
    return nulls;
  }

  @Override
  public boolean isNullAt(int rowId) {
    return array.isNullAt(rowId) || (field != WHOLE && struct(rowId).isNullAt(field));
  }

  @Override
  public boolean getBoolean(int rowId) {
    return holder(rowId).getBoolean(ordinal(rowId));
  }

  @Override
  public byte getByte(int rowId) {
    return holder(rowId).getByte(ordinal(rowId));
  }

  @Override
  public short getShort(int rowId) {
    return holder(rowId).getShort(ordinal(rowId));
  }

  @Override
  public int getInt(int rowId) {
    return holder(rowId).getInt(ordinal(rowId));
  }

  @Override
  public long getLong(int rowId) {
    return holder(rowId).getLong(ordinal(rowId));
  }

  @Override
  public float getFloat(int rowId) {
    return holder(rowId).getFloat(ordinal(rowId));
  }

  @Override
  public double getDouble(int rowId) {
    return holder(rowId).getDouble(ordinal(rowId));
  }

  @Override
  public ColumnarArray getArray(int rowId) {
    return (ColumnarArray) holder(rowId).getArray(ordinal(rowId));
  }

  @Override
  public ColumnarMap getMap(int rowId) {
    return (ColumnarMap) holder(rowId).getMap(ordinal(rowId));
  }

  @Override
  public Decimal getDecimal(int rowId, int precision, int scale) {
    return holder(rowId).getDecimal(ordinal(rowId), precision, scale);
  }

  @Override
  public UTF8String getUTF8String(int rowId) {
    return holder(rowId).getUTF8String(ordinal(rowId));
  }

  @Override
  public byte[] getBinary(int rowId) {
    return holder(rowId).getBinary(ordinal(rowId));
  }

  @Override
  public ColumnVector getChild(int ordinal) {
    if (field != WHOLE) {
      throw new UnsupportedOperationException("structs inside of a struct");
    }
    StructType struct = (StructType) type;
    return new ArrayElements(struct.apply(ordinal).dataType(), array, ordinal, struct.size());
  }
}
