package io.tensorarrow.spark.tensor.feed;

import static org.assertj.core.api.Assertions.assertThat;

import io.tensorarrow.spark.options.CastMode;
import io.tensorarrow.spark.options.ColumnTypes;
import io.tensorarrow.spark.tensor.DType;
import io.tensorarrow.spark.tensor.Dims;
import io.tensorarrow.spark.tensor.NativeMemoryTestBase;
import io.tensorarrow.spark.tensor.NativeTensor;
import io.tensorarrow.spark.tensor.PlainType;
import io.tensorarrow.spark.tensor.TensorShape;
import io.tensorarrow.spark.tensor.TensorSpec;
import io.tensorarrow.spark.tensor.fetch.TensorColumns;
import io.tensorarrow.spark.tensor.vector.ArrayElements;
import io.tensorarrow.spark.tensor.vector.RowSelection;
import io.tensorarrow.spark.tensor.vector.TestVectors;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.vectorized.ColumnVector;
import org.apache.spark.sql.vectorized.ColumnarArray;
import org.apache.spark.sql.vectorized.ColumnarRow;
import org.apache.spark.unsafe.Platform;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Columns become tensors and tensors columns: what comes out is what a naive reference says, in
 * each kind of vector.
 */
public final class RoundTripTest extends NativeMemoryTestBase {
  private static final int CASES_PER_SEED = 60;

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10})
  void randomColumnsRoundTrip(long seed) {
    Random random = new Random(seed);
    for (int i = 0; i < CASES_PER_SEED; i++) {
      roundTrip(random, pick(random, TestVectors.Kind.values()));
    }
  }

  @ParameterizedTest
  @EnumSource(TestVectors.Kind.class)
  void everyKindOfVectorRoundTrips(TestVectors.Kind kind) {
    Random random = new Random(kind.name().hashCode());
    for (int i = 0; i < CASES_PER_SEED; i++) {
      roundTrip(random, kind);
    }
  }

  @ParameterizedTest
  @EnumSource(TestVectors.Kind.class)
  void batchesLongerThanOnePieceRoundTrip(TestVectors.Kind kind) {
    int rows = 2 * ElementCopier.PIECE + 7;
    List<Number> values = IntStream.range(0, rows).<Number>mapToObj(i -> (float) i).toList();
    ColumnFeeder feeder =
        ColumnFeeder.create(
            spec(DType.FLOAT32, -1), "c", PlainType.FLOAT.sparkType(), CastMode.SAFE);
    try (ColumnVector column =
            TestVectors.of(kind, PlainType.FLOAT.sparkType(), values, allocator);
        NativeTensor tensor = feeder.feed(column, RowSelection.range(0, rows))) {
      assertThat(tensor.dims()).containsExactly(rows);
      assertThat(elements(tensor)).isEqualTo(values);
    }
  }

  @Test
  void widenedBatchesLongerThanOnePieceRoundTrip() {
    int rows = 3 * ElementCopier.PIECE - 1;
    List<Number> values = IntStream.range(0, rows).<Number>mapToObj(i -> i).toList();
    ColumnFeeder feeder =
        ColumnFeeder.create(spec(DType.FLOAT64, -1), "c", PlainType.INT.sparkType(), CastMode.SAFE);
    try (ColumnVector column =
            TestVectors.of(TestVectors.Kind.ON_HEAP, PlainType.INT.sparkType(), values, allocator);
        NativeTensor tensor = feeder.feed(column, RowSelection.range(0, rows))) {
      assertThat(elements(tensor))
          .isEqualTo(values.stream().<Number>map(Number::doubleValue).toList());
    }
  }

  private void roundTrip(Random random, TestVectors.Kind kind) {
    PlainType element = pick(random, PlainType.values());
    int innerRank = random.nextInt(4);
    long[] dims = random.longs(innerRank, 0, 5).toArray();
    boolean scalars = innerRank == 0 || (innerRank == 1 && random.nextBoolean());
    if (scalars && innerRank == 1) {
      dims[0] = 1;
    }
    boolean flat = !scalars && random.nextBoolean();
    int depth = scalars ? 0 : flat ? 1 : innerRank;
    long[] declared = declared(random, dims, scalars ? 0 : flat ? 1 : innerRank);

    int rowCount = random.nextInt(40);
    int width = (int) Dims.knownProduct(dims);
    List<Object> rows = new ArrayList<>();
    for (int i = 0; i < rowCount; i++) {
      List<Number> values =
          IntStream.range(0, width).mapToObj(j -> randomValue(random, element)).toList();
      rows.add(scalars ? values.get(0) : flat ? values : nest(values, dims, 0));
    }
    RowSelection selection = selection(random, rowCount);
    long[] expectedDims = expectedDims(declared, dims, flat, selection.size());
    List<Number> expected = new ArrayList<>();
    for (int i = 0; i < selection.size(); i++) {
      flatten(rows.get(selection.at(i)), expected);
    }

    TensorSpec spec =
        new TensorSpec("t", element.dtype(), TensorShape.of(Dims.withBatch(-1, declared)));
    ColumnFeeder feeder =
        ColumnFeeder.create(spec, "c", TestVectors.type(element, depth), CastMode.SAFE);
    String description = kind + " " + spec + " depth " + depth + " of " + rows;
    try (ColumnVector column =
        TestVectors.of(
            kind, TestVectors.type(element, depth), rows, allocator, random.nextBoolean())) {
      NativeTensor tensor = feeder.feed(column, selection);
      assertThat(tensor.dims())
          .as(description)
          .containsExactly(Dims.withBatch(selection.size(), expectedDims));
      assertThat(elements(tensor)).as(description).isEqualTo(expected);
      try (ColumnVector output =
          TensorColumns.wrap(
              tensor,
              spec,
              "out",
              selection.size(),
              selection.size(),
              ColumnTypes.DEFAULT,
              allocator)) {
        assertThat(output.dataType())
            .isEqualTo(TensorColumns.columnType(spec, ColumnTypes.DEFAULT));
        assertThat(elements(output, selection.size(), expectedDims))
            .as(description)
            .isEqualTo(expected);
      }
    }
  }

  /** Returns the dimensions with at most {@code limit} of them declared unknown. */
  private static long[] declared(Random random, long[] dims, int limit) {
    long[] declared = dims.clone();
    for (int i = 0; i < limit; i++) {
      if (random.nextBoolean()) {
        declared[random.nextInt(dims.length)] = TensorShape.UNKNOWN_DIM;
      }
    }
    return declared;
  }

  /** An unknown dimension is what the rows say; where they say nothing, 0. */
  private static long[] expectedDims(long[] declared, long[] dims, boolean flat, int rows) {
    long[] expected = dims.clone();
    boolean nothingToSee = rows == 0 || (flat && Dims.knownProduct(declared) == 0);
    for (int i = 0; i < dims.length; i++) {
      if (declared[i] == TensorShape.UNKNOWN_DIM && nothingToSee) {
        expected[i] = 0;
      }
      nothingToSee |= !flat && dims[i] == 0;
    }
    return expected;
  }

  private static RowSelection selection(Random random, int rowCount) {
    if (random.nextBoolean()) {
      int from = random.nextInt(rowCount + 1);
      return RowSelection.range(from, random.nextInt(rowCount - from + 1));
    }
    double share = random.nextDouble();
    int[] some = IntStream.range(0, rowCount).filter(i -> random.nextDouble() < share).toArray();
    RowSelection all = RowSelection.of(some, some.length);
    int from = random.nextInt(some.length + 1);
    return all.slice(from, random.nextInt(some.length - from + 1));
  }

  private static Number randomValue(Random random, PlainType element) {
    return switch (element) {
      case BYTE -> (byte) random.nextInt();
      case SHORT -> (short) random.nextInt();
      case INT -> random.nextInt();
      case LONG -> random.nextLong();
      case FLOAT -> Float.intBitsToFloat(random.nextInt());
      case DOUBLE -> Double.longBitsToDouble(random.nextLong());
    };
  }

  private static List<Object> nest(List<Number> values, long[] dims, int level) {
    int length = (int) dims[level];
    List<Object> array = new ArrayList<>();
    for (int i = 0; i < length; i++) {
      int size = values.size() / length;
      List<Number> part = values.subList(i * size, (i + 1) * size);
      array.add(level == dims.length - 1 ? part.get(0) : nest(part, dims, level + 1));
    }
    return array;
  }

  private static void flatten(Object value, List<Number> into) {
    if (value instanceof List<?> list) {
      list.forEach(v -> flatten(v, into));
    } else {
      into.add((Number) value);
    }
  }

  public static List<Number> elements(NativeTensor tensor) {
    List<Number> elements = new ArrayList<>();
    for (long i = 0; i < tensor.elementCount(); i++) {
      long at = tensor.address() + i * tensor.dtype().byteSize();
      elements.add(
          switch (PlainType.of(tensor.dtype()).orElseThrow()) {
            case BYTE -> (Number) Platform.getByte(null, at);
            case SHORT -> Platform.getShort(null, at);
            case INT -> Platform.getInt(null, at);
            case LONG -> Platform.getLong(null, at);
            case FLOAT -> Platform.getFloat(null, at);
            case DOUBLE -> Platform.getDouble(null, at);
          });
    }
    return elements;
  }

  /**
   * Reads a column of tensors through Spark's accessors, and checks that each row has the right
   * length and shape.
   */
  private static List<Number> elements(ColumnVector column, int rows, long[] dims) {
    List<Number> elements = new ArrayList<>();
    int width = (int) Dims.knownProduct(dims);
    for (int row = 0; row < rows; row++) {
      assertThat(column.isNullAt(row)).isFalse();
      if (column.dataType() instanceof ArrayType type) {
        add(column.getArray(row), type, width, elements);
      } else if (column.dataType() instanceof StructType type) {
        ColumnarRow struct = column.getStruct(row);
        add(struct.getArray(0), (ArrayType) type.apply(0).dataType(), width, elements);
        assertThat(IntStream.of(struct.getArray(1).toIntArray()).asLongStream().toArray())
            .containsExactly(dims);
      } else {
        elements.add(TestVectors.number(column, row));
      }
    }
    return elements;
  }

  private static void add(ColumnarArray array, ArrayType type, int width, List<Number> into) {
    assertThat(array.numElements()).isEqualTo(width);
    ColumnVector elements = new ArrayElements(type.elementType(), array);
    for (int i = 0; i < width; i++) {
      assertThat(array.isNullAt(i)).isFalse();
      into.add(TestVectors.number(elements, i));
    }
  }

  private static <T> T pick(Random random, T[] values) {
    return values[random.nextInt(values.length)];
  }
}
