package io.tensorarrow.spark.tensor;

import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.Decimal;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.vectorized.ColumnVector;
import org.apache.spark.sql.vectorized.ColumnarArray;
import org.apache.spark.sql.vectorized.ColumnarMap;
import org.apache.spark.sql.vectorized.ColumnarRow;
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
    return new StructPart(array, (StructType) type, ordinal);
  }

  /** One field of each struct of an array. */
  private static final class StructPart extends ColumnVector {
    private final ColumnarArray structs;
    private final int fields;
    private final int ordinal;

    StructPart(ColumnarArray structs, StructType type, int ordinal) {
      super(type.apply(ordinal).dataType());
      this.structs = structs;
      this.fields = type.size();
      this.ordinal = ordinal;
    }

    private ColumnarRow struct(int index) {
      return structs.getStruct(index, fields);
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
      for (int i = 0; i < structs.numElements(); i++) {
        nulls += isNullAt(i) ? 1 : 0;
      }
      return nulls;
    }

    @Override
    public boolean isNullAt(int rowId) {
      return structs.isNullAt(rowId) || struct(rowId).isNullAt(ordinal);
    }

    @Override
    public boolean getBoolean(int rowId) {
      return struct(rowId).getBoolean(ordinal);
    }

    @Override
    public byte getByte(int rowId) {
      return struct(rowId).getByte(ordinal);
    }

    @Override
    public short getShort(int rowId) {
      return struct(rowId).getShort(ordinal);
    }

    @Override
    public int getInt(int rowId) {
      return struct(rowId).getInt(ordinal);
    }

    @Override
    public long getLong(int rowId) {
      return struct(rowId).getLong(ordinal);
    }

    @Override
    public float getFloat(int rowId) {
      return struct(rowId).getFloat(ordinal);
    }

    @Override
    public double getDouble(int rowId) {
      return struct(rowId).getDouble(ordinal);
    }

    @Override
    public ColumnarArray getArray(int rowId) {
      return struct(rowId).getArray(ordinal);
    }

    @Override
    public ColumnarMap getMap(int rowId) {
      return struct(rowId).getMap(ordinal);
    }

    @Override
    public Decimal getDecimal(int rowId, int precision, int scale) {
      return struct(rowId).getDecimal(ordinal, precision, scale);
    }

    @Override
    public UTF8String getUTF8String(int rowId) {
      return struct(rowId).getUTF8String(ordinal);
    }

    @Override
    public byte[] getBinary(int rowId) {
      return struct(rowId).getBinary(ordinal);
    }

    @Override
    public ColumnVector getChild(int inner) {
      throw new UnsupportedOperationException("structs inside of a struct");
    }
  }
}
