package io.tensorarrow.spark.tensor.feed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.options.CastMode;
import io.tensorarrow.spark.tensor.DType;
import io.tensorarrow.spark.tensor.NativeMemoryTestBase;
import io.tensorarrow.spark.tensor.NativeTensor;
import io.tensorarrow.spark.tensor.PlainType;
import io.tensorarrow.spark.tensor.TensorShape;
import io.tensorarrow.spark.tensor.TensorSpec;
import io.tensorarrow.spark.tensor.vector.RowSelection;
import io.tensorarrow.spark.tensor.vector.TestVectors;
import io.tensorarrow.spark.testing.Tensors;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.spark.sql.execution.vectorized.OnHeapColumnVector;
import org.apache.spark.sql.execution.vectorized.WritableColumnVector;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.vectorized.ColumnVector;
import org.assertj.core.api.AbstractThrowableAssert;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What becomes of cells of every kind of vector in a sparse tensor. */
final class SparseFeederTest extends NativeMemoryTestBase {
  private static final DataType DOUBLES = TestVectors.type(PlainType.DOUBLE, 1);
  private static final DataType MATRICES = TestVectors.type(PlainType.DOUBLE, 2);

  private static TensorSpec sparse(long... shape) {
    return new TensorSpec("t", DType.FLOAT64, TensorShape.of(shape), true);
  }

  private static SparseFeeder feeder(TensorSpec spec, DataType type) {
    return SparseFeeder.create(spec, "c", type, CastMode.SAFE);
  }

  /** Feeds float64, and returns the dense shape, and each value behind its place. */
  private static String fed(SparseFeeder feeder, ColumnVector column, RowSelection rows) {
    List<NativeTensor> parts = feeder.feed(column, rows);
    try {
      long[] shape = Tensors.longs(parts.get(0));
      long[] indices = Tensors.longs(parts.get(1));
      double[] values = Tensors.doubles(parts.get(2));
      assertThat(Tensors.dims(parts.get(0))).containsExactly((long) shape.length);
      assertThat(Tensors.dims(parts.get(1)))
          .containsExactly((long) values.length, (long) shape.length);
      assertThat(Tensors.dims(parts.get(2))).containsExactly((long) values.length);
      List<String> elements = new ArrayList<>();
      for (int i = 0; i < values.length; i++) {
        long[] place = Arrays.copyOfRange(indices, i * shape.length, (i + 1) * shape.length);
        elements.add(Arrays.toString(place) + "=" + values[i]);
      }
      return Arrays.toString(shape) + " " + String.join(" ", elements);
    } finally {
      Tensors.close(parts);
    }
  }

  private String fed(
      TestVectors.Kind kind,
      TensorSpec spec,
      DataType type,
      List<? extends @Nullable Object> rows) {
    try (ColumnVector column = TestVectors.of(kind, type, rows, allocator)) {
      return fed(feeder(spec, type), column, RowSelection.range(0, rows.size()));
    }
  }

  private static AbstractThrowableAssert<?, ? extends Throwable> refuses(
      TensorSpec spec, DataType type, WritableColumnVector column, int rows, ErrorCode code) {
    SparseFeeder feeder = feeder(spec, type);
    return assertThatThrownBy(() -> feeder.feed(column, RowSelection.range(0, rows)))
        .isInstanceOf(TensorArrowException.class)
        .hasMessageStartingWith("[" + code + "] Cannot feed column 'c' to tensor 't' sparse ");
  }

  /** Appends a map of keys to ten times themselves. */
  private static void map(WritableColumnVector column, int row, int... keys) {
    column.putArray(row, column.getChild(0).getElementsAppended(), keys.length);
    for (int key : keys) {
      column.getChild(0).appendInt(key);
      column.getChild(1).appendDouble(10 * key);
    }
  }

  @ParameterizedTest
  @EnumSource(TestVectors.Kind.class)
  void elementsKeepIndexAndNullsAreLeftOut(TestVectors.Kind kind) {
    List<List<Integer>> rows =
        List.of(List.of(1, 0), List.of(), Arrays.asList(null, 3, null, 4, null), List.of(5));
    assertThat(fed(kind, sparse(-1, -1), DOUBLES, rows))
        .isEqualTo("[4, 5] [0, 0]=1.0 [0, 1]=0.0 [2, 1]=3.0 [2, 3]=4.0 [3, 0]=5.0");
    assertThat(fed(kind, sparse(-1, 7), DOUBLES, rows)).startsWith("[4, 7] [0, 0]=1.0 ");
  }

  @ParameterizedTest
  @EnumSource(TestVectors.Kind.class)
  void raggedEmptyAndNullInnerArraysAreFed(TestVectors.Kind kind) {
    assertThat(
            fed(
                kind,
                sparse(-1, -1, -1),
                MATRICES,
                List.of(
                    Arrays.asList(List.of(1), null, List.of(), Arrays.asList(null, 2, 3)),
                    List.of(),
                    List.of(List.of(4, 5)))))
        .isEqualTo(
            "[3, 4, 3] [0, 0, 0]=1.0 [0, 3, 1]=2.0 [0, 3, 2]=3.0 [2, 0, 0]=4.0 [2, 0, 1]=5.0");
  }

  @ParameterizedTest
  @EnumSource(TestVectors.Kind.class)
  void manyElementsAreFed(TestVectors.Kind kind) {
    List<List<Integer>> rows = new ArrayList<>();
    StringBuilder expected = new StringBuilder("[900, 29]");
    for (int row = 0; row < 900; row++) {
      List<Integer> cells = new ArrayList<>();
      for (int i = 0; i < row % 30; i++) {
        cells.add(row + i);
        expected.append(" [%d, %d]=%d.0".formatted(row, i, row + i));
      }
      rows.add(cells);
    }
    assertThat(fed(kind, sparse(-1, -1), DOUBLES, rows)).isEqualTo(expected.toString());
  }

  @ParameterizedTest
  @EnumSource(TestVectors.Kind.class)
  void unselectedRowsAreNotFed(TestVectors.Kind kind) {
    List<@Nullable List<Integer>> rows =
        Arrays.asList(List.of(1), null, List.of(2, 3, 4), List.of(5, 6));
    try (ColumnVector column = TestVectors.of(kind, DOUBLES, rows, allocator)) {
      SparseFeeder feeder = feeder(sparse(-1, -1), DOUBLES);
      assertThat(fed(feeder, column, RowSelection.of(new int[] {0, 3}, 2)))
          .isEqualTo("[2, 2] [0, 0]=1.0 [1, 0]=5.0 [1, 1]=6.0");
      assertThat(fed(feeder, column, RowSelection.of(new int[] {0, 3}, 2).paddedTo(3)))
          .isEqualTo("[3, 2] [0, 0]=1.0 [1, 0]=5.0 [1, 1]=6.0 [2, 0]=5.0 [2, 1]=6.0");
      assertThat(fed(feeder, column, RowSelection.range(0, 0))).isEqualTo("[0, 0] ");
      assertThatThrownBy(() -> feeder.feed(column, RowSelection.range(0, 3)))
          .hasMessageContaining("TA_NULL_INPUT")
          .hasMessageContaining("found a null in row 1 of the batch; expected a value");
    }
  }

  @Test
  void denseAndSparseVectorsFeedTheSame() {
    try (WritableColumnVector column = new OnHeapColumnVector(4, TestFeeds.ML_VECTOR)) {
      TestFeeds.appendVector(column, 1, 0, new int[0], 0, 7, 0, Double.NaN);
      TestFeeds.appendVector(column, 0, 4, new int[] {1, 2, 3}, 7, -0.0, Double.NaN);
      TestFeeds.appendVector(column, 0, 4, new int[0]);
      TestFeeds.appendVector(column, 1, 0, new int[0], 1, 2, 3, 4);
      String all =
          "[0, 1]=7.0 [0, 3]=NaN [1, 1]=7.0 [1, 3]=NaN [3, 0]=1.0 [3, 1]=2.0 [3, 2]=3.0 [3, 3]=4.0";
      assertThat(fed(feeder(sparse(-1, -1), DOUBLES), column, RowSelection.range(0, 4)))
          .isEqualTo("[4, 4] " + all);
      assertThat(fed(feeder(sparse(-1, 4), DOUBLES), column, RowSelection.range(0, 4)))
          .isEqualTo("[4, 4] " + all);
      for (int size : new int[] {3, 5}) {
        refuses(sparse(-1, size), DOUBLES, column, 4, ErrorCode.TA_INPUT_SHAPE)
            .hasMessageEndingWith(
                "found a vector of size 4 in row 0 of the batch; expected size " + size);
      }
    }
  }

  @Test
  void invalidSparkMlVectorsAreRefused() {
    for (int[] indices : new int[][] {{2, 1}, {1, 1}, {-1, 1}, {1, 4}, {1}}) {
      try (WritableColumnVector column = new OnHeapColumnVector(1, TestFeeds.ML_VECTOR)) {
        TestFeeds.appendVector(column, 0, 4, indices, 7, 8);
        refuses(sparse(-1, 4), DOUBLES, column, 1, ErrorCode.TA_INPUT_SHAPE)
            .hasMessageContaining(
                "found a vector whose indices do not ascend from 0 to its size in row 0");
      }
    }
  }

  @Test
  void mapValuesAreFedAtTheirKeys() {
    DataType type = DataTypes.createMapType(DataTypes.IntegerType, DataTypes.DoubleType);
    try (WritableColumnVector column = new OnHeapColumnVector(3, type)) {
      map(column, 0, 9, 0, 4);
      map(column, 1);
      map(column, 2, 3);
      assertThat(fed(feeder(sparse(-1, -1), type), column, RowSelection.range(0, 3)))
          .isEqualTo("[3, 10] [0, 0]=0.0 [0, 4]=40.0 [0, 9]=90.0 [2, 3]=30.0");
    }
  }

  @Test
  void duplicateMapKeyIsRefused() {
    DataType type = DataTypes.createMapType(DataTypes.IntegerType, DataTypes.DoubleType);
    try (WritableColumnVector column = new OnHeapColumnVector(2, type)) {
      map(column, 0, 1);
      map(column, 1, 3, 1, 3);
      refuses(sparse(-1, -1), type, column, 2, ErrorCode.TA_INPUT_SHAPE)
          .hasMessageEndingWith(
              "found a map with the same key twice in row 1 of the batch; expected each key once");
    }
  }

  @Test
  void complexWithNullPartIsRefusedWithRow() {
    DataType number =
        new StructType().add("re", DataTypes.FloatType).add("im", DataTypes.FloatType);
    DataType type = DataTypes.createArrayType(number);
    TensorSpec spec = new TensorSpec("t", DType.COMPLEX64, TensorShape.of(-1, -1), true);
    try (WritableColumnVector column = new OnHeapColumnVector(3, type)) {
      for (int row = 0; row < 3; row++) {
        column.appendArray(1);
        column.arrayData().appendStruct(false);
        column.arrayData().getChild(0).appendFloat(row);
        if (row == 2) {
          column.arrayData().getChild(1).appendNull();
        } else {
          column.arrayData().getChild(1).appendFloat(-row);
        }
      }
      List<NativeTensor> parts = feeder(spec, type).feed(column, RowSelection.range(0, 2));
      assertThat(parts.get(2).dims()).containsExactly(2);
      Tensors.close(parts);
      refuses(spec, type, column, 3, ErrorCode.TA_NULL_INPUT)
          .hasMessageContaining("found a null part in row 2 of the batch");
    }
  }

  @Test
  void bytesOfBinaryAreElements() {
    TensorSpec spec = new TensorSpec("t", DType.UINT8, TensorShape.of(-1, -1), true);
    try (WritableColumnVector column = new OnHeapColumnVector(2, DataTypes.BinaryType)) {
      column.appendByteArray(new byte[] {7, 0, -1}, 0, 3);
      column.appendByteArray(new byte[0], 0, 0);
      List<NativeTensor> parts =
          feeder(spec, DataTypes.BinaryType).feed(column, RowSelection.range(0, 2));
      assertThat(Tensors.longs(parts.get(0))).containsExactly(2, 3);
      assertThat(Tensors.longs(parts.get(1))).containsExactly(0, 0, 0, 1, 0, 2);
      Tensors.close(parts);
    }
  }

  @Test
  void unsupportedTensorsAreRefused() {
    TensorSpec handle = new TensorSpec("t", DType.RESOURCE, TensorShape.of(-1, 3), true);
    assertThatThrownBy(() -> feeder(handle, DOUBLES))
        .hasMessageStartingWith(
            "[TA_TENSOR_UNSUPPORTED] Cannot feed tensor 't' sparse resource (-1, 3): found dtype resource");
    assertThatThrownBy(() -> feeder(sparse(), DOUBLES))
        .hasMessageStartingWith(
            "[TA_TENSOR_UNSUPPORTED] Cannot feed tensor 't' sparse float64 (): found shape (), which has no batch axis");
  }

  @Test
  void errorNamesTypesThatFit() {
    assertThatThrownBy(() -> feeder(sparse(-1, 3), DataTypes.DoubleType))
        .hasMessageEndingWith(
            "found type double; expected array<double>, or map<bigint, ...> in place of array<...>");
    assertThatThrownBy(() -> feeder(sparse(-1), DOUBLES))
        .hasMessageEndingWith("found type array<double>; expected double, one value for each row");
  }
}
