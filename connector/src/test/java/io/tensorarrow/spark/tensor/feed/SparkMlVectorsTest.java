package io.tensorarrow.spark.tensor.feed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tensorarrow.spark.options.CastMode;
import io.tensorarrow.spark.tensor.DType;
import io.tensorarrow.spark.tensor.NativeMemoryTestBase;
import io.tensorarrow.spark.tensor.TensorSpec;
import io.tensorarrow.spark.tensor.vector.ArrayReader;
import io.tensorarrow.spark.tensor.vector.RowSelection;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.execution.vectorized.OnHeapColumnVector;
import org.apache.spark.sql.execution.vectorized.WritableColumnVector;
import org.apache.spark.sql.types.DataTypes;
import org.junit.jupiter.api.Test;

/** Spark ML's vectors are read as arrays of doubles. */
final class SparkMlVectorsTest extends NativeMemoryTestBase {
  @Test
  void sparkMlVectorsAreReadAsArrays() {
    try (WritableColumnVector column = new OnHeapColumnVector(3, TestFeeds.ML_VECTOR)) {
      TestFeeds.appendVector(column, 1, 0, new int[0], 1, 2, 3, 4);
      TestFeeds.appendVector(column, 0, 4, new int[] {1, 3}, 7, 9);
      TestFeeds.appendVector(column, 1, 0, new int[0], 5, 6, 7, 8);
      ArrayReader reader = ArrayReader.over(column);
      List<List<Double>> actualVectors = new ArrayList<>();
      for (int row = 0; row < 3; row++) {
        reader.seek(row);
        List<Double> values = new ArrayList<>();
        for (int i = 0; i < reader.length(); i++) {
          values.add(reader.elements().getDouble(reader.offset() + i));
        }
        actualVectors.add(values);
      }
      assertThat(actualVectors)
          .containsExactly(
              List.of(1.0, 2.0, 3.0, 4.0),
              List.of(0.0, 7.0, 0.0, 9.0),
              List.of(5.0, 6.0, 7.0, 8.0));
    }
  }

  /** Unpacked, the vector of two billion would take all memory of the process. */
  @Test
  void hugeSparseVectorIsRefusedForItsLength() {
    TensorSpec spec = spec(DType.FLOAT64, -1, 4);
    try (WritableColumnVector column = new OnHeapColumnVector(2, TestFeeds.ML_VECTOR)) {
      TestFeeds.appendVector(column, 0, 4, new int[] {1}, 7);
      TestFeeds.appendVector(column, 0, Integer.MAX_VALUE, new int[] {1}, 7);
      ColumnFeeder feeder =
          ColumnFeeder.create(
              spec, "v", DataTypes.createArrayType(DataTypes.DoubleType), CastMode.SAFE);
      assertThatThrownBy(() -> feeder.feed(column, RowSelection.range(0, 2)))
          .hasMessageContainingAll(
              "[TA_INPUT_SHAPE] Cannot feed column 'v' to tensor",
              "found an array of length 2147483647 in row 1 of the batch; expected length 4");
      feeder.feed(column, RowSelection.range(0, 1)).close();
    }
  }

  @Test
  void sparseVectorIsNotUnpackedForItsLength() {
    try (WritableColumnVector column = new OnHeapColumnVector(1, TestFeeds.ML_VECTOR)) {
      TestFeeds.appendVector(column, 0, Integer.MAX_VALUE, new int[] {1}, 7);
      ArrayReader reader = ArrayReader.over(column);
      reader.seek(0);
      assertThat(reader.length()).isEqualTo(Integer.MAX_VALUE);
    }
  }
}
