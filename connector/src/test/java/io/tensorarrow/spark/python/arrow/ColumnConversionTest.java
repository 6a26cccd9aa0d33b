package io.tensorarrow.spark.python.arrow;

import static org.assertj.core.api.Assertions.assertThat;

import io.tensorarrow.spark.tensor.vector.RowSelection;
import io.tensorarrow.spark.tensor.vector.SelectedColumn;
import io.tensorarrow.spark.testing.SparkTestBase;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.types.pojo.Schema;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.expressions.GenericInternalRow;
import org.apache.spark.sql.catalyst.util.ArrayBasedMapData;
import org.apache.spark.sql.catalyst.util.GenericArrayData;
import org.apache.spark.sql.execution.RowToColumnConverter;
import org.apache.spark.sql.execution.arrow.ArrowWriter;
import org.apache.spark.sql.execution.vectorized.Dictionary;
import org.apache.spark.sql.execution.vectorized.OffHeapColumnVector;
import org.apache.spark.sql.execution.vectorized.OnHeapColumnVector;
import org.apache.spark.sql.execution.vectorized.WritableColumnVector;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.Decimal;
import org.apache.spark.sql.types.DecimalType;
import org.apache.spark.sql.types.MapType;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.util.ArrowUtils;
import org.apache.spark.sql.vectorized.ArrowColumnVector;
import org.apache.spark.sql.vectorized.ColumnVector;
import org.apache.spark.sql.vectorized.ColumnarBatch;
import org.apache.spark.unsafe.types.UTF8String;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ColumnConversionTest extends SparkTestBase {
  private static final int ROWS = 137;

  private static final List<DataType> PLAIN =
      List.of(
          DataTypes.BooleanType,
          DataTypes.ByteType,
          DataTypes.ShortType,
          DataTypes.IntegerType,
          DataTypes.LongType,
          DataTypes.FloatType,
          DataTypes.DoubleType,
          DataTypes.DateType,
          DataTypes.TimestampType,
          DataTypes.TimestampNTZType,
          DataTypes.StringType,
          DataTypes.BinaryType,
          DataTypes.createDecimalType(7, 2),
          DataTypes.createDecimalType(18, 6),
          DataTypes.createDecimalType(38, 10));

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void vectorsOfAnyTypeConvertAsSparksOwnWriterDoes(boolean offHeap) {
    for (int seed = 0; seed < 40; seed++) {
      Random random = new Random(seed);
      StructType schema = schema(random);
      List<InternalRow> rows =
          IntStream.range(0, ROWS).mapToObj(i -> row(schema, random, i % 40 == 0)).toList();
      try (ColumnarBatch batch = batch(schema, rows, offHeap)) {
        check(schema, batch);
        RowSelection some = RowSelection.where(ROWS, row -> random.nextInt(3) > 0);
        ColumnarBatch filtered = selected(batch, some);
        check(schema, filtered);
        check(schema, selected(filtered, RowSelection.range(5, 30)));
        check(schema, selected(batch, RowSelection.range(0, 0)));
      }
    }
  }

  @Test
  void dictionaryVectorsAreDecodedWithoutLookingUpNulls() {
    StructType schema =
        new StructType().add("number", DataTypes.IntegerType).add("word", DataTypes.StringType);
    OnHeapColumnVector numbers = new OnHeapColumnVector(ROWS, DataTypes.IntegerType);
    OnHeapColumnVector words = new OnHeapColumnVector(ROWS, DataTypes.StringType);
    for (WritableColumnVector column : List.of(numbers, words)) {
      WritableColumnVector places = column.reserveDictionaryIds(ROWS);
      for (int row = 0; row < ROWS; row++) {
        places.putInt(row, row % 5 == 0 ? 1_000_000 : row % 3);
        if (row % 5 == 0) {
          column.putNull(row);
        }
      }
      column.setDictionary(new Words());
    }
    try (ColumnarBatch batch = new ColumnarBatch(new ColumnVector[] {numbers, words}, ROWS)) {
      check(schema, batch);
      check(schema, selected(batch, RowSelection.where(ROWS, row -> row % 2 == 0)));
    }
  }

  @Test
  void selectedArrowVectorsAreCopiedWithNulls() {
    StructType schema =
        new StructType()
            .add("number", DataTypes.DoubleType)
            .add("word", DataTypes.StringType)
            .add("list", DataTypes.createArrayType(DataTypes.LongType))
            .add("map", DataTypes.createMapType(DataTypes.StringType, DataTypes.LongType))
            .add("pair", new StructType().add("a", DataTypes.ShortType));
    Random random = new Random(7);
    Schema wire = ArrowUtils.toArrowSchema(schema, "UTC", true, false);
    try (BufferAllocator allocator =
            ArrowUtils.rootAllocator().newChildAllocator("of another", 0, Long.MAX_VALUE);
        VectorSchemaRoot root = VectorSchemaRoot.create(wire, allocator)) {
      ArrowWriter writer = ArrowWriter.create(root);
      for (int row = 0; row < ROWS; row++) {
        writer.write(row(schema, random, false));
      }
      writer.finish();
      ColumnVector[] columns =
          root.getFieldVectors().stream().map(ArrowColumnVector::new).toArray(ColumnVector[]::new);
      check(schema, selected(new ColumnarBatch(columns, ROWS), RowSelection.range(3, 100)));
    }
  }

  private static ColumnarBatch selected(ColumnarBatch batch, RowSelection rows) {
    ColumnVector[] views =
        IntStream.range(0, batch.numCols())
            .mapToObj(i -> new SelectedColumn(batch.column(i), rows))
            .toArray(ColumnVector[]::new);
    return new ColumnarBatch(views, rows.size());
  }

  private static void check(StructType schema, ColumnarBatch batch) {
    Schema wire = ArrowUtils.toArrowSchema(schema, "Europe/Berlin", true, false);
    try (BufferAllocator allocator =
            ArrowUtils.rootAllocator().newChildAllocator("conversion", 0, Long.MAX_VALUE);
        VectorSchemaRoot wanted = VectorSchemaRoot.create(wire, allocator);
        ArrowColumns found = new ColumnConversion(wire.getFields(), allocator).convert(batch)) {
      ArrowWriter writer = ArrowWriter.create(wanted);
      for (int i = 0; i < batch.numCols(); i++) {
        ColumnVector source = origin(batch.column(i));
        // Arrow's map vectors do not show where their entries are.
        boolean hidden =
            source instanceof ArrowColumnVector && source.dataType() instanceof MapType;
        assertThat(ColumnCopier.copies(source)).isEqualTo(!hidden);
      }
      for (int row = 0; row < batch.numRows(); row++) {
        writer.write(batch.getRow(row));
      }
      writer.finish();
      for (int i = 0; i < schema.size(); i++) {
        FieldVector vector = found.vectors().get(i);
        FieldVector stock = wanted.getVector(i);
        assertThat(vector.getField()).isEqualTo(stock.getField());
        assertThat(vector.getValueCount()).isEqualTo(batch.numRows());
        assertThat(vector.getNullCount()).isEqualTo(stock.getNullCount());
        for (int row = 0; row < batch.numRows(); row++) {
          assertThat(comparable(vector.getObject(row)))
              .as("row %s of %s", row, schema.apply(i).dataType())
              .isEqualTo(comparable(stock.getObject(row)));
        }
      }
    }
  }

  /** Arrays of bytes are equal to nothing but themselves. */
  private static @Nullable Object comparable(@Nullable Object value) {
    if (value instanceof byte[] bytes) {
      return ByteBuffer.wrap(bytes);
    }
    if (value instanceof List<?> list) {
      return list.stream().map(ColumnConversionTest::comparable).toList();
    }
    if (value instanceof Map<?, ?> map) {
      Map<Object, @Nullable Object> comparable = new HashMap<>();
      map.forEach((key, part) -> comparable.put(key, comparable(part)));
      return comparable;
    }
    return value;
  }

  private static ColumnVector origin(ColumnVector column) {
    return column instanceof SelectedColumn view ? view.origin() : column;
  }

  private static ColumnarBatch batch(StructType schema, List<InternalRow> rows, boolean offHeap) {
    WritableColumnVector[] columns =
        offHeap
            ? OffHeapColumnVector.allocateColumns(ROWS, schema)
            : OnHeapColumnVector.allocateColumns(ROWS, schema);
    RowToColumnConverter converter = new RowToColumnConverter(schema);
    rows.forEach(row -> converter.convert(row, columns));
    return new ColumnarBatch(columns, rows.size());
  }

  private static StructType schema(Random random) {
    StructType schema = new StructType();
    int columns = 1 + random.nextInt(6);
    for (int i = 0; i < columns; i++) {
      schema = schema.add("c" + i, type(random, 0), random.nextInt(3) > 0);
    }
    return schema;
  }

  private static DataType type(Random random, int depth) {
    int kind = depth == 3 ? 3 : random.nextInt(6);
    return switch (kind) {
      case 0 -> DataTypes.createArrayType(type(random, depth + 1), random.nextBoolean());
      case 1 ->
          new StructType()
              .add("a", type(random, depth + 1), random.nextBoolean())
              .add("b", type(random, depth + 1), random.nextBoolean());
      case 2 ->
          DataTypes.createMapType(
              DataTypes.StringType, type(random, depth + 1), random.nextBoolean());
      default -> PLAIN.get(random.nextInt(PLAIN.size()));
    };
  }

  private static InternalRow row(StructType schema, Random random, boolean odd) {
    Object[] values = new Object[schema.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = value(schema.apply(i).dataType(), schema.apply(i).nullable(), random, odd);
    }
    return new GenericInternalRow(values);
  }

  private static @Nullable Object value(
      DataType type, boolean nullable, Random random, boolean odd) {
    if (nullable && random.nextInt(4) == 0) {
      return null;
    }
    if (type instanceof ArrayType array) {
      return new GenericArrayData(values(array.elementType(), array.containsNull(), random, odd));
    }
    if (type instanceof StructType struct) {
      return row(struct, random, odd);
    }
    if (type instanceof MapType map) {
      Object[] values = values(map.valueType(), map.valueContainsNull(), random, odd);
      Object[] keys =
          IntStream.range(0, values.length)
              .mapToObj(i -> UTF8String.fromString("key " + i))
              .toArray();
      return new ArrayBasedMapData(new GenericArrayData(keys), new GenericArrayData(values));
    }
    if (type instanceof DecimalType decimal) {
      BigInteger digits = new BigInteger(decimal.precision() * 3, random);
      var number = new BigDecimal(digits.negate(), decimal.scale());
      return Decimal.apply(number, decimal.precision(), decimal.scale());
    }
    return plain(type, random, odd);
  }

  private static Object plain(DataType type, Random random, boolean odd) {
    return switch (type.typeName()) {
      case "boolean" -> random.nextBoolean();
      case "byte" -> (byte) random.nextInt();
      case "short" -> (short) random.nextInt();
      case "integer" -> random.nextInt();
      case "date" -> random.nextInt(40_000) - 20_000;
      case "long" -> random.nextLong();
      case "timestamp", "timestamp_ntz" -> random.nextLong() >> 12;
      case "float" -> odd ? Float.NaN : random.nextFloat();
      case "double" -> odd ? -0.0 : random.nextGaussian();
      case "string" -> UTF8String.fromString(odd ? "" : "Ähre 三 " + random.nextInt());
      case "binary" -> odd ? new byte[0] : new byte[] {(byte) random.nextInt(), 0, -1};
      default -> throw new AssertionError(type.typeName());
    };
  }

  private static Object[] values(DataType type, boolean nullable, Random random, boolean odd) {
    List<@Nullable Object> values = new ArrayList<>();
    for (int i = random.nextInt(5); i > 0; i--) {
      values.add(value(type, nullable, random, odd));
    }
    return values.toArray();
  }

  /** Three words; asked for another one it fails. */
  private static final class Words implements Dictionary {
    private static final List<String> WORDS = List.of("", "one", "zwei");

    @Override
    public int decodeToInt(int id) {
      return WORDS.get(id).length();
    }

    @Override
    public byte[] decodeToBinary(int id) {
      return WORDS.get(id).getBytes(StandardCharsets.UTF_8);
    }

    @Override
    public long decodeToLong(int id) {
      throw new AssertionError();
    }

    @Override
    public float decodeToFloat(int id) {
      throw new AssertionError();
    }

    @Override
    public double decodeToDouble(int id) {
      throw new AssertionError();
    }
  }
}
