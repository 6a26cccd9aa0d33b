package io.tensorarrow.spark.tensor.vector;

import io.tensorarrow.spark.tensor.PlainType;
import java.util.ArrayList;
import java.util.List;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.BigIntVector;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.Float4Vector;
import org.apache.arrow.vector.Float8Vector;
import org.apache.arrow.vector.IntVector;
import org.apache.arrow.vector.SmallIntVector;
import org.apache.arrow.vector.TinyIntVector;
import org.apache.arrow.vector.complex.ListVector;
import org.apache.arrow.vector.types.Types.MinorType;
import org.apache.arrow.vector.types.pojo.FieldType;
import org.apache.spark.sql.execution.vectorized.Dictionary;
import org.apache.spark.sql.execution.vectorized.OffHeapColumnVector;
import org.apache.spark.sql.execution.vectorized.OnHeapColumnVector;
import org.apache.spark.sql.execution.vectorized.WritableColumnVector;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.Decimal;
import org.apache.spark.sql.vectorized.ArrowColumnVector;
import org.apache.spark.sql.vectorized.ColumnVector;
import org.apache.spark.sql.vectorized.ColumnarArray;
import org.apache.spark.sql.vectorized.ColumnarMap;
import org.apache.spark.unsafe.types.UTF8String;
import org.jspecify.annotations.Nullable;

/**
 * Makes vectors of each kind that a source may hand over, from boxed values, lists of them, and
 * null.
 */
public final class TestVectors {
  public enum Kind {
    ON_HEAP,
    OFF_HEAP,
    DICTIONARY,
    ARROW,
    OTHER
  }

  private TestVectors() {}

  public static DataType type(PlainType element, int depth) {
    DataType type = element.sparkType();
    for (int i = 0; i < depth; i++) {
      type = DataTypes.createArrayType(type);
    }
    return type;
  }

  public static ColumnVector of(
      Kind kind, DataType type, List<? extends @Nullable Object> rows, BufferAllocator allocator) {
    return of(kind, type, rows, allocator, false);
  }

  /**
   * Makes a vector, owned by the caller.
   *
   * @param gaps whether a stray element is before every third array, so that arrays do not follow
   *     one another
   */
  public static ColumnVector of(
      Kind kind,
      DataType type,
      List<? extends @Nullable Object> rows,
      BufferAllocator allocator,
      boolean gaps) {
    return switch (kind) {
      case ON_HEAP -> filled(new OnHeapColumnVector(1, type), rows, gaps);
      case OFF_HEAP -> filled(new OffHeapColumnVector(1, type), rows, gaps);
      case DICTIONARY -> encoded(filled(new OnHeapColumnVector(1, type), rows, gaps));
      case ARROW -> new ArrowColumnVector(arrow(type, rows, allocator));
      case OTHER -> new Other(filled(new OnHeapColumnVector(1, type), rows, gaps));
    };
  }

  private static WritableColumnVector filled(
      WritableColumnVector vector, List<? extends @Nullable Object> rows, boolean gaps) {
    for (int i = 0; i < rows.size(); i++) {
      append(vector, rows.get(i), gaps && i % 3 == 0);
    }
    return vector;
  }

  private static void append(WritableColumnVector vector, @Nullable Object value, boolean gap) {
    if (value == null) {
      vector.appendNull();
    } else if (value instanceof List<?> array) {
      if (gap) {
        appendStray(vector.arrayData());
      }
      vector.appendArray(array.size());
      array.forEach(e -> append(vector.arrayData(), e, gap));
    } else {
      Number number = (Number) value;
      switch (PlainType.of(vector.dataType()).orElseThrow()) {
        case BYTE -> vector.appendByte(number.byteValue());
        case SHORT -> vector.appendShort(number.shortValue());
        case INT -> vector.appendInt(number.intValue());
        case LONG -> vector.appendLong(number.longValue());
        case FLOAT -> vector.appendFloat(number.floatValue());
        case DOUBLE -> vector.appendDouble(number.doubleValue());
      }
    }
  }

  private static void appendStray(WritableColumnVector vector) {
    if (vector.dataType() instanceof ArrayType) {
      vector.appendArray(0);
    } else {
      append(vector, 111, false);
    }
  }

  /** Replaces the innermost values by their positions in a dictionary, backwards. */
  private static WritableColumnVector encoded(WritableColumnVector vector) {
    WritableColumnVector leaf = vector;
    while (leaf.dataType() instanceof ArrayType) {
      leaf = leaf.arrayData();
    }
    int count = leaf.getElementsAppended();
    List<Number> values = new ArrayList<>();
    for (int i = count - 1; i >= 0; i--) {
      values.add(leaf.isNullAt(i) ? 0 : number(leaf, i));
    }
    WritableColumnVector ids = leaf.reserveDictionaryIds(Math.max(1, count));
    for (int i = 0; i < count; i++) {
      ids.putInt(i, count - 1 - i);
    }
    leaf.setDictionary(new ListDictionary(values));
    return vector;
  }

  /** Reads one value, boxed as the element type's own class. */
  public static Number number(ColumnVector vector, int row) {
    return switch (PlainType.of(vector.dataType()).orElseThrow()) {
      case BYTE -> vector.getByte(row);
      case SHORT -> vector.getShort(row);
      case INT -> vector.getInt(row);
      case LONG -> vector.getLong(row);
      case FLOAT -> vector.getFloat(row);
      case DOUBLE -> vector.getDouble(row);
    };
  }

  private static FieldVector arrow(
      DataType type, List<? extends @Nullable Object> rows, BufferAllocator allocator) {
    FieldVector vector = emptyArrow(type, "column", allocator);
    fill(vector, rows);
    return vector;
  }

  private static FieldVector emptyArrow(DataType type, String name, BufferAllocator allocator) {
    if (type instanceof ArrayType array) {
      ListVector list =
          new ListVector(name, allocator, FieldType.nullable(MinorType.LIST.getType()), null);
      DataType leaf = array.elementType();
      ListVector parent = list;
      while (leaf instanceof ArrayType inner) {
        parent =
            (ListVector)
                parent.addOrGetVector(FieldType.nullable(MinorType.LIST.getType())).getVector();
        leaf = inner.elementType();
      }
      parent.addOrGetVector(
          FieldType.nullable(PlainType.of(leaf).orElseThrow().arrowType().getType()));
      return list;
    }
    return FieldType.nullable(PlainType.of(type).orElseThrow().arrowType().getType())
        .createNewSingleVector(name, allocator, null);
  }

  private static void fill(FieldVector vector, List<? extends @Nullable Object> values) {
    for (int i = 0; i < values.size(); i++) {
      set(vector, i, values.get(i));
    }
    vector.setValueCount(values.size());
  }

  private static void set(FieldVector vector, int index, @Nullable Object value) {
    if (vector instanceof ListVector list) {
      if (value == null) {
        list.setNull(index);
        return;
      }
      List<?> array = (List<?>) value;
      int start = list.startNewValue(index);
      for (int i = 0; i < array.size(); i++) {
        set(list.getDataVector(), start + i, array.get(i));
      }
      list.endValue(index, array.size());
    } else if (value == null) {
      vector.setInitialCapacity(index + 1);
      setNull(vector, index);
    } else {
      Number number = (Number) value;
      if (vector instanceof TinyIntVector v) {
        v.setSafe(index, number.byteValue());
      } else if (vector instanceof SmallIntVector v) {
        v.setSafe(index, number.shortValue());
      } else if (vector instanceof IntVector v) {
        v.setSafe(index, number.intValue());
      } else if (vector instanceof BigIntVector v) {
        v.setSafe(index, number.longValue());
      } else if (vector instanceof Float4Vector v) {
        v.setSafe(index, number.floatValue());
      } else {
        ((Float8Vector) vector).setSafe(index, number.doubleValue());
      }
    }
  }

  private static void setNull(FieldVector vector, int index) {
    while (vector.getValueCapacity() <= index) {
      vector.reAlloc();
    }
    vector.setNull(index);
  }

  private record ListDictionary(List<Number> values) implements Dictionary {
    @Override
    public int decodeToInt(int id) {
      return values.get(id).intValue();
    }

    @Override
    public long decodeToLong(int id) {
      return values.get(id).longValue();
    }

    @Override
    public float decodeToFloat(int id) {
      return values.get(id).floatValue();
    }

    @Override
    public double decodeToDouble(int id) {
      return values.get(id).doubleValue();
    }

    @Override
    public byte[] decodeToBinary(int id) {
      throw new UnsupportedOperationException();
    }
  }

  /** A vector of a kind that nobody knows, as other connectors bring them along. */
  private static final class Other extends ColumnVector {
    private final WritableColumnVector inner;

    Other(WritableColumnVector inner) {
      super(inner.dataType());
      this.inner = inner;
    }

    @Override
    public void close() {
      inner.close();
    }

    @Override
    public boolean hasNull() {
      return inner.hasNull();
    }

    @Override
    public int numNulls() {
      return inner.numNulls();
    }

    @Override
    public boolean isNullAt(int rowId) {
      return inner.isNullAt(rowId);
    }

    @Override
    public boolean getBoolean(int rowId) {
      return inner.getBoolean(rowId);
    }

    @Override
    public byte getByte(int rowId) {
      return inner.getByte(rowId);
    }

    @Override
    public short getShort(int rowId) {
      return inner.getShort(rowId);
    }

    @Override
    public int getInt(int rowId) {
      return inner.getInt(rowId);
    }

    @Override
    public long getLong(int rowId) {
      return inner.getLong(rowId);
    }

    @Override
    public float getFloat(int rowId) {
      return inner.getFloat(rowId);
    }

    @Override
    public double getDouble(int rowId) {
      return inner.getDouble(rowId);
    }

    @Override
    public ColumnarArray getArray(int rowId) {
      return inner.getArray(rowId);
    }

    @Override
    public ColumnarMap getMap(int ordinal) {
      return inner.getMap(ordinal);
    }

    @Override
    public Decimal getDecimal(int rowId, int precision, int scale) {
      return inner.getDecimal(rowId, precision, scale);
    }

    @Override
    public UTF8String getUTF8String(int rowId) {
      return inner.getUTF8String(rowId);
    }

    @Override
    public byte[] getBinary(int rowId) {
      return inner.getBinary(rowId);
    }

    @Override
    public ColumnVector getChild(int ordinal) {
      throw new UnsupportedOperationException();
    }
  }
}
