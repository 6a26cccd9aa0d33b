package io.tensorarrow.spark.tensor.feed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.options.CastMode;
import io.tensorarrow.spark.options.ColumnTypes;
import io.tensorarrow.spark.tensor.DType;
import io.tensorarrow.spark.tensor.NativeMemoryTestBase;
import io.tensorarrow.spark.tensor.NativeTensor;
import io.tensorarrow.spark.tensor.PlainType;
import io.tensorarrow.spark.tensor.TensorShape;
import io.tensorarrow.spark.tensor.TensorSpec;
import io.tensorarrow.spark.tensor.fetch.TensorColumns;
import io.tensorarrow.spark.tensor.vector.RowSelection;
import io.tensorarrow.spark.tensor.vector.TestVectors;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.vectorized.ColumnVector;
import org.assertj.core.api.AbstractThrowableAssert;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What can be fed, and what is said about the rest. */
final class ColumnFeederTest extends NativeMemoryTestBase {
  private static final DataType FLOATS = TestVectors.type(PlainType.FLOAT, 1);
  private static final DataType MATRICES = TestVectors.type(PlainType.FLOAT, 2);

  @Test
  void scalarColumnFeedsScalarsAndSingletons() {
    assertThat(feed(spec(DType.FLOAT32, -1), DataTypes.FloatType, List.of(1f, 2f)))
        .isEqualTo("(2,) [1.0, 2.0]");
    assertThat(feed(spec(DType.FLOAT32, -1, 1), DataTypes.FloatType, List.of(1f, 2f)))
        .isEqualTo("(2, 1) [1.0, 2.0]");
  }

  @Test
  void flatArrayFeedsSeveralInnerDimensions() {
    assertThat(
            feed(
                spec(DType.FLOAT32, -1, 2, 1, 2),
                FLOATS,
                List.of(List.of(1, 2, 3, 4), List.of(5, 6, 7, 8))))
        .isEqualTo("(2, 2, 1, 2) [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]");
  }

  @Test
  void unknownDimensionIsInferredFromFlatArray() {
    assertThat(feed(spec(DType.FLOAT32, -1, -1, 3), FLOATS, List.of(List.of(1, 2, 3, 4, 5, 6))))
        .isEqualTo("(1, 2, 3) [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]");
    assertThat(feed(spec(DType.FLOAT32, -1, -1), FLOATS, List.of(List.of(), List.of())))
        .isEqualTo("(2, 0) []");
  }

  @Test
  void unknownDimensionsAreInferredFromNestedArrays() {
    assertThat(
            feed(
                spec(DType.FLOAT32, -1, -1, -1),
                MATRICES,
                List.of(
                    List.of(List.of(1, 2), List.of(3, 4), List.of(5, 6)),
                    List.of(List.of(7, 8), List.of(9, 10), List.of(11, 12)))))
        .startsWith("(2, 3, 2) [1.0, 2.0, 3.0");
  }

  @Test
  void emptyBatchHasZeroForUnknownDimensions() {
    assertThat(feed(spec(DType.FLOAT32, -1, 5), FLOATS, List.of())).isEqualTo("(0, 5) []");
    assertThat(feed(spec(DType.FLOAT32, -1, -1, 5), FLOATS, List.of())).isEqualTo("(0, 0, 5) []");
    assertThat(feed(spec(DType.FLOAT32, -1), DataTypes.FloatType, List.of())).isEqualTo("(0,) []");
  }

  @Test
  void unselectedRowsAreNotChecked() {
    List<List<Integer>> rows =
        Arrays.asList(List.of(1, 2), null, List.of(3), Arrays.asList(4, null), List.of(5, 6));
    ColumnFeeder feeder =
        ColumnFeeder.create(spec(DType.FLOAT32, -1, 2), "c", FLOATS, CastMode.SAFE);
    try (ColumnVector column = TestVectors.of(TestVectors.Kind.ON_HEAP, FLOATS, rows, allocator);
        NativeTensor tensor = feeder.feed(column, RowSelection.of(new int[] {0, 4}, 2))) {
      assertThat(RoundTripTest.elements(tensor)).containsExactly(1f, 2f, 5f, 6f);
    }
  }

  @Test
  void serializedFeederFeedsAsBefore() throws Exception {
    ColumnFeeder made = ColumnFeeder.create(spec(DType.FLOAT64, -1, 2), "c", FLOATS, CastMode.SAFE);
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
      out.writeObject(made);
    }
    ColumnFeeder shipped;
    try (ObjectInputStream in =
        new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
      shipped = (ColumnFeeder) in.readObject();
    }
    assertThat(shipped.spec()).isEqualTo(made.spec());
    assertThat(shipped.columnName()).isEqualTo("c");
    assertThat(feed(shipped, FLOATS, List.of(List.of(1, 2)), TestVectors.Kind.ON_HEAP))
        .isEqualTo("(1, 2) [1.0, 2.0]");
  }

  @ParameterizedTest
  @EnumSource(TestVectors.Kind.class)
  void nullCellIsRefused(TestVectors.Kind kind) {
    refusesRow(
            kind,
            spec(DType.FLOAT32, -1),
            DataTypes.FloatType,
            Arrays.asList(1f, null, 3f),
            ErrorCode.TA_NULL_INPUT)
        .hasMessageContainingAll("found a null in row 1 of the batch", "where(\"c is not null\")");
  }

  @ParameterizedTest
  @EnumSource(TestVectors.Kind.class)
  void nullArrayIsRefused(TestVectors.Kind kind) {
    refusesRow(
            kind,
            spec(DType.FLOAT32, -1, 2),
            FLOATS,
            Arrays.asList(List.of(1, 2), List.of(1, 2), null),
            ErrorCode.TA_NULL_INPUT)
        .hasMessageContaining("found a null in row 2 of the batch");
    refusesRow(
            kind,
            spec(DType.FLOAT32, -1, 2),
            FLOATS,
            Arrays.asList(null, List.of(1, 2)),
            ErrorCode.TA_NULL_INPUT)
        .hasMessageContaining("found a null in row 0 of the batch");
  }

  @ParameterizedTest
  @EnumSource(TestVectors.Kind.class)
  void nullElementIsRefused(TestVectors.Kind kind) {
    refusesRow(
            kind,
            spec(DType.FLOAT32, -1, 2),
            FLOATS,
            List.of(List.of(1, 2), Arrays.asList(3, null), List.of(5, 6)),
            ErrorCode.TA_NULL_INPUT)
        .hasMessageContaining("found a null element in row 1 of the batch");
  }

  @ParameterizedTest
  @EnumSource(TestVectors.Kind.class)
  void nullInNestedArraysIsRefused(TestVectors.Kind kind) {
    TensorSpec spec = spec(DType.FLOAT32, -1, 2, 1);
    List<List<Integer>> whole = List.of(List.of(1), List.of(2));
    refusesRow(
            kind,
            spec,
            MATRICES,
            List.of(whole, Arrays.asList(List.of(3), null)),
            ErrorCode.TA_NULL_INPUT)
        .hasMessageContaining("found a null element in row 1 of the batch");
    refusesRow(
            kind,
            spec,
            MATRICES,
            List.of(Arrays.asList(null, List.of(3)), whole),
            ErrorCode.TA_NULL_INPUT)
        .hasMessageContaining("found a null element in row 0 of the batch");
    refusesRow(
            kind,
            spec,
            MATRICES,
            List.of(whole, whole, List.of(List.of(4), Arrays.asList((Integer) null))),
            ErrorCode.TA_NULL_INPUT)
        .hasMessageContaining("found a null element in row 2 of the batch");
  }

  @ParameterizedTest
  @EnumSource(TestVectors.Kind.class)
  void arrayOfWrongLengthIsRefused(TestVectors.Kind kind) {
    refusesRow(
            kind,
            spec(DType.FLOAT32, -1, 2, 2),
            FLOATS,
            List.of(List.of(1, 2, 3, 4), List.of(5, 6, 7)),
            ErrorCode.TA_INPUT_SHAPE)
        .hasMessageContainingAll("array of length 3 in row 1 of the batch", "expected length 4")
        .hasMessageNotContaining("first row of the model call");
    refusesRow(
            kind, spec(DType.FLOAT32, -1, 2), FLOATS, List.of(List.of(1)), ErrorCode.TA_INPUT_SHAPE)
        .hasMessageContainingAll("array of length 1 in row 0", "expected length 2");
  }

  @ParameterizedTest
  @EnumSource(TestVectors.Kind.class)
  void rowsOfDifferentLengthAreRefused(TestVectors.Kind kind) {
    refusesRow(
            kind,
            spec(DType.FLOAT32, -1, -1),
            FLOATS,
            List.of(List.of(1, 2), List.of(3, 4), List.of(5)),
            ErrorCode.TA_INPUT_SHAPE)
        .hasMessageContainingAll(
            "array of length 1 in row 2 of the batch",
            "expected length 2 as in the first row of the model call");
  }

  @ParameterizedTest
  @EnumSource(TestVectors.Kind.class)
  void raggedArraysAreRefusedOnEachLevel(TestVectors.Kind kind) {
    TensorSpec open = spec(DType.FLOAT32, -1, -1, -1);
    refusesRow(
            kind,
            open,
            MATRICES,
            List.of(List.of(List.of(1, 2), List.of(3))),
            ErrorCode.TA_INPUT_SHAPE)
        .hasMessageContaining("array of length 1 on nesting level 2 in row 0 of the batch");
    refusesRow(
            kind,
            open,
            MATRICES,
            List.of(List.of(List.of(1), List.of(3)), List.of(List.of(4))),
            ErrorCode.TA_INPUT_SHAPE)
        .hasMessageContainingAll(
            "array of length 1 on nesting level 1 in row 1 of the batch",
            "expected length 2 as in the first row of the model call");
    refusesRow(
            kind,
            spec(DType.FLOAT32, -1, 1, 2),
            MATRICES,
            List.of(List.of(List.of(1, 2)), List.of(List.of(3, 4, 5))),
            ErrorCode.TA_INPUT_SHAPE)
        .hasMessageContainingAll("length 3 on nesting level 2 in row 1", "expected length 2");
  }

  @Test
  void flatArrayNotDivisibleByKnownDimensionsIsRefused() {
    refusesRow(
            TestVectors.Kind.ON_HEAP,
            spec(DType.FLOAT32, -1, -1, 3),
            FLOATS,
            List.of(List.of(1, 2, 3, 4)),
            ErrorCode.TA_INPUT_SHAPE)
        .hasMessageContainingAll("array of length 4 in row 0", "expected length a multiple of 3");
  }

  @Test
  void errorsNameRowNumberInBatch() {
    ColumnFeeder feeder =
        ColumnFeeder.create(spec(DType.FLOAT32, -1), "c", DataTypes.FloatType, CastMode.SAFE);
    try (ColumnVector column =
        TestVectors.of(
            TestVectors.Kind.ON_HEAP,
            DataTypes.FloatType,
            Arrays.asList(0f, 1f, 2f, 3f, null, 5f),
            allocator)) {
      for (RowSelection rows :
          List.of(
              RowSelection.range(3, 3),
              RowSelection.of(new int[] {0, 2, 4}, 3),
              RowSelection.of(new int[] {0, 1, 3, 4, 5}, 5).slice(2, 2))) {
        assertThatThrownBy(() -> feeder.feed(column, rows)).hasMessageContaining("row 4 of");
      }
    }
  }

  @Test
  void flatArrayForSeveralUnknownDimensionsIsRefused() {
    refusesType(spec(DType.FLOAT32, -1, -1, -1), FLOATS)
        .hasMessageContaining("expected array<array<float>>");
  }

  @Test
  void nestingOfWrongDepthIsRefused() {
    refusesType(spec(DType.FLOAT32, -1), FLOATS)
        .hasMessageContainingAll("found type array<float>", "expected float, one value");
    refusesType(spec(DType.FLOAT32, -1, 64), DataTypes.FloatType)
        .hasMessageContainingAll("found type float", "expected array<float>");
    refusesType(spec(DType.FLOAT32, -1, -1), DataTypes.FloatType)
        .hasMessageContaining("expected array<float>");
    refusesType(spec(DType.FLOAT32, -1, 64), MATRICES)
        .hasMessageContainingAll("found type array<array<float>>", "expected array<float>");
    refusesType(spec(DType.FLOAT32, -1, 2, 3, 4), MATRICES)
        .hasMessageContaining(
            "expected array<array<array<float>>>, or array<float> flat in row-major order");
  }

  @Test
  void nonNumericColumnsAreRefused() {
    for (DataType type :
        List.of(
            DataTypes.StringType,
            DataTypes.BinaryType,
            DataTypes.DateType,
            DataTypes.TimestampType,
            DataTypes.createDecimalType(10, 2),
            DataTypes.NullType,
            DataTypes.createMapType(DataTypes.StringType, DataTypes.FloatType),
            DataTypes.createArrayType(DataTypes.StringType))) {
      refusesType(spec(DType.FLOAT32, -1), type)
          .hasMessageContainingAll(
              "'c'",
              "found type " + type.catalogString(),
              "or elements of type float in the table itself");
    }
  }

  @Test
  void tensorsWithoutUsableBatchesAreRefused() {
    refusesTensor(new TensorSpec("t", DType.FLOAT32, TensorShape.of())).hasMessageContaining("()");
    refusesTensor(new TensorSpec("t", DType.FLOAT32, TensorShape.unknownRank()))
        .hasMessageContaining("unknown rank");
    refusesTensor(spec(DType.FLOAT32, -1, 1L << 20, 1L << 20))
        .hasMessageContaining("more elements than an array holds");
    refusesTensor(spec(DType.FLOAT32, -1, Long.MAX_VALUE, 3))
        .hasMessageContaining("more elements than an array holds");
  }

  @ParameterizedTest
  @EnumSource(DType.class)
  void everyDtypeButHandlesAcceptsItsOutputType(DType dtype) {
    TensorSpec spec = spec(dtype, -1);
    if (dtype == DType.RESOURCE || dtype == DType.VARIANT) {
      refusesTensor(spec).hasMessageContaining("found dtype " + dtype.numpyName());
    } else {
      DataType output = TensorColumns.columnType(spec, ColumnTypes.DEFAULT);
      assertThat(ColumnFeeder.create(spec, "c", output, CastMode.SAME_KIND).spec()).isEqualTo(spec);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 7, 8, 9, 33})
  void shortAndLongRunsAreCopiedTheSame(int runLength) {
    int[] rows = new int[3 * runLength];
    for (int i = 0; i < rows.length; i++) {
      rows[i] = i + i / Math.max(1, runLength);
    }
    List<Integer> values = IntStream.range(0, 120).boxed().toList();
    for (PlainType type : PlainType.values()) {
      ColumnFeeder feeder =
          ColumnFeeder.create(
              new TensorSpec("t", type.dtype(), TensorShape.of(-1)),
              "c",
              type.sparkType(),
              CastMode.SAFE);
      for (TestVectors.Kind kind : TestVectors.Kind.values()) {
        try (ColumnVector column = TestVectors.of(kind, type.sparkType(), values, allocator);
            NativeTensor tensor = feeder.feed(column, RowSelection.of(rows, rows.length))) {
          assertThat(RoundTripTest.elements(tensor).stream().mapToInt(Number::intValue).toArray())
              .as("%s %s", type, kind)
              .containsExactly(rows);
        }
      }
    }
  }

  private String feed(TensorSpec spec, DataType type, List<?> rows) {
    ColumnFeeder feeder = ColumnFeeder.create(spec, "c", type, CastMode.SAFE);
    return feed(feeder, type, rows, TestVectors.Kind.ON_HEAP);
  }

  private String feed(ColumnFeeder feeder, DataType type, List<?> rows, TestVectors.Kind kind) {
    try (ColumnVector column = TestVectors.of(kind, type, rows, allocator);
        NativeTensor tensor = feeder.feed(column, RowSelection.range(0, rows.size()))) {
      assertThat(tensor.dtype()).isEqualTo(feeder.spec().dtype());
      return TensorShape.of(tensor.dims()) + " " + RoundTripTest.elements(tensor);
    }
  }

  private AbstractThrowableAssert<?, ?> refusesRow(
      TestVectors.Kind kind, TensorSpec spec, DataType type, List<?> rows, ErrorCode code) {
    ColumnFeeder feeder = ColumnFeeder.create(spec, "c", type, CastMode.SAFE);
    return refuses(() -> feed(feeder, type, rows, kind), code)
        .hasMessageContainingAll("Cannot feed column 'c' to tensor " + spec);
  }

  private static AbstractThrowableAssert<?, ?> refusesType(TensorSpec spec, DataType type) {
    return refuses(
        () -> ColumnFeeder.create(spec, "c", type, CastMode.SAFE), ErrorCode.TA_INPUT_TYPE);
  }

  private static AbstractThrowableAssert<?, ?> refusesTensor(TensorSpec spec) {
    return refuses(
        () -> ColumnFeeder.create(spec, "c", DataTypes.ByteType, CastMode.UNSAFE),
        ErrorCode.TA_TENSOR_UNSUPPORTED);
  }

  private static AbstractThrowableAssert<?, ?> refuses(ThrowingCallable call, ErrorCode code) {
    return assertThatThrownBy(call)
        .isInstanceOfSatisfying(
            TensorArrowException.class, e -> assertThat(e.code()).isEqualTo(code));
  }
}
