package io.tensorarrow.spark.tensor.fetch;

import static org.assertj.core.api.Assertions.assertThat;

import io.tensorarrow.spark.tensor.DType;
import io.tensorarrow.spark.testing.Float16Reference;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.apache.spark.sql.catalyst.expressions.SpecializedGetters;
import org.apache.spark.sql.catalyst.expressions.UnsafeProjection;
import org.apache.spark.sql.catalyst.util.ArrayData;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.Decimal;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.vectorized.ColumnVector;
import org.apache.spark.sql.vectorized.ColumnarBatch;
import org.jspecify.annotations.Nullable;

/**
 * Reads a column in each way that Spark has, into values that can be compared, and says what they
 * should be: from the bytes of an element alone.
 */
final class ReferenceValues {
  private ReferenceValues() {}

  /** Reads through the vector's own accessors, copies of its rows, and Spark's generated code. */
  static List<List<Object>> readInEachWay(ColumnVector column, DataType type, int rows) {
    ColumnarBatch batch = new ColumnarBatch(new ColumnVector[] {column}, rows);
    UnsafeProjection projection = UnsafeProjection.create(new DataType[] {type});
    List<Object> accessed = new ArrayList<>();
    List<Object> copied = new ArrayList<>();
    List<Object> projected = new ArrayList<>();
    List<Object> copiedArrays = new ArrayList<>();
    for (int row = 0; row < rows; row++) {
      assertThat(column.isNullAt(row)).isFalse();
      accessed.add(value(batch.getRow(row), 0, type));
      copied.add(value(batch.getRow(row).copy(), 0, type));
      projected.add(value(projection.apply(batch.getRow(row)), 0, type));
      copiedArrays.add(
          type instanceof ArrayType array
              ? values(column.getArray(row).copy(), array.elementType())
              : value(batch.getRow(row), 0, type));
    }
    assertThat(column.hasNull()).isFalse();
    assertThat(column.numNulls()).isZero();
    return List.of(accessed, copied, projected, copiedArrays);
  }

  /** Returns a value with equals: numbers, bits of floats, lists for arrays and structs. */
  private static Object value(SpecializedGetters from, int ordinal, DataType type) {
    assertThat(from.isNullAt(ordinal)).isFalse();
    Object value = from.get(ordinal, type);
    if (type instanceof ArrayType array) {
      return values((ArrayData) value, array.elementType());
    }
    if (type instanceof StructType struct) {
      SpecializedGetters fields = from.getStruct(ordinal, struct.size());
      return IntStream.range(0, struct.size())
          .mapToObj(i -> value(fields, i, struct.apply(i).dataType()))
          .toList();
    }
    return comparable(value);
  }

  private static List<Object> values(ArrayData array, DataType elementType) {
    return IntStream.range(0, array.numElements())
        .mapToObj(i -> value(array, i, elementType))
        .toList();
  }

  private static Object comparable(@Nullable Object value) {
    if (value instanceof Float f) {
      return Float.floatToRawIntBits(f);
    }
    if (value instanceof Double d) {
      return Double.doubleToRawLongBits(d);
    }
    if (value instanceof Decimal d) {
      return d.toJavaBigDecimal();
    }
    return value instanceof byte[] bytes ? ByteBuffer.wrap(bytes) : String.valueOf(value);
  }

  /** Says what an element is, from its bytes alone. */
  static Object reference(DType dtype, byte[] bytes, int index) {
    int size = dtype.byteSize();
    ByteBuffer at =
        ByteBuffer.wrap(bytes, index * size, size).slice().order(ByteOrder.LITTLE_ENDIAN);
    return switch (dtype) {
      case INT8, QINT8 -> String.valueOf(at.get());
      case INT16, QINT16 -> String.valueOf(at.getShort());
      case INT32, QINT32 -> String.valueOf(at.getInt());
      case INT64 -> String.valueOf(at.getLong());
      case FLOAT32 -> at.getInt();
      case FLOAT64 -> at.getLong();
      case BOOL -> String.valueOf(at.get() == 1);
      case FLOAT16, BFLOAT16 -> Float16Reference.floatBits(dtype, at.getShort());
      case COMPLEX64 -> List.of(at.getInt(), at.getInt());
      case COMPLEX128 -> List.of(at.getLong(), at.getLong());
      case UINT8,
          QUINT8,
          FLOAT8_E5M2,
          FLOAT8_E4M3FN,
          FLOAT8_E4M3FNUZ,
          FLOAT8_E4M3B11FNUZ,
          FLOAT8_E5M2FNUZ,
          UINT16,
          QUINT16,
          UINT32 ->
          unsigned(at).toString();
      case UINT64 -> new BigDecimal(unsigned(at));
      case INT4 -> String.valueOf((at.get() & 7) - (at.get(0) & 8));
      case UINT4 -> String.valueOf(at.get() % 16);
      case STRING, RESOURCE, VARIANT -> throw new AssertionError(dtype);
    };
  }

  private static BigInteger unsigned(ByteBuffer littleEndian) {
    byte[] bigEndian = new byte[littleEndian.capacity()];
    IntStream.range(0, bigEndian.length)
        .forEach(i -> bigEndian[i] = littleEndian.get(bigEndian.length - 1 - i));
    return new BigInteger(1, bigEndian);
  }
}
