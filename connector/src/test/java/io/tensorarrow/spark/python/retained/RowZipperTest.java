package io.tensorarrow.spark.python.retained;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tensorarrow.spark.testing.SparkTestBase;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.BigIntVector;
import org.apache.spark.sql.execution.vectorized.OnHeapColumnVector;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.util.ArrowUtils;
import org.apache.spark.sql.vectorized.ArrowColumnVector;
import org.apache.spark.sql.vectorized.ColumnVector;
import org.apache.spark.sql.vectorized.ColumnarBatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import scala.collection.JavaConverters;

/** Rows and results are joined, however the results are cut into batches. */
class RowZipperTest extends SparkTestBase {
  private static final StructType COLUMNS =
      new StructType().add("arrow", DataTypes.LongType).add("reused", DataTypes.LongType);
  private static final long PLENTY = 1 << 20;

  private BufferAllocator allocator;
  private OnHeapColumnVector reused;

  @BeforeEach
  void open() {
    allocator = ArrowUtils.rootAllocator().newChildAllocator("test", 0, Long.MAX_VALUE);
    reused = new OnHeapColumnVector(100, DataTypes.LongType);
  }

  @AfterEach
  void close() {
    reused.close();
    allocator.close();
  }

  @ParameterizedTest
  @ValueSource(longs = {0, 1, 500, PLENTY})
  void resultsAreJoinedWithRowsInMemoryAndOnDisk(long memoryBytes) {
    List<int[]> cuts =
        List.of(
            new int[] {10, 20, 5}, new int[] {35}, new int[] {1, 33, 1}, new int[] {0, 15, 20, 0});
    for (int[] cut : cuts) {
      try (RetainedBatches sent = retained(memoryBytes)) {
        send(sent, 10, 20, 0, 5);
        RowZipper zipper = zipper(sent, cut);
        List<String> rows = new ArrayList<>();
        while (zipper.hasNext()) {
          ColumnarBatch batch = zipper.next();
          assertThat(batch.numRows()).isPositive();
          for (int row = 0; row < batch.numRows(); row++) {
            rows.add(
                batch.column(0).getLong(row)
                    + " "
                    + batch.column(1).getLong(row)
                    + " "
                    + batch.column(2).getLong(row));
          }
        }
        assertThat(rows)
            .as(Arrays.toString(cut))
            .isEqualTo(IntStream.range(0, 35).mapToObj(i -> i + " " + -i + " " + i * 10).toList());
        assertThat(sent.spilledBytes() > 0).isEqualTo(memoryBytes < PLENTY);
      }
    }
  }

  @Test
  void rowsAreFreedWhenConsumed() {
    try (RetainedBatches sent = retained(PLENTY)) {
      send(sent, 100, 100, 100);
      long bytesBefore = retainedBytes();
      RowZipper zipper = zipper(sent, 100, 100, 100);
      zipper.next();
      zipper.next();
      assertThat(retainedBytes()).isLessThan(bytesBefore);
      zipper.next();
      assertThat(zipper.hasNext()).isFalse();
      assertThat(retainedBytes()).isZero();
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {0, PLENTY})
  void rowsWithoutResultsAreFreedOnClose(long memoryBytes) {
    try (RetainedBatches sent = retained(memoryBytes)) {
      send(sent, 10, 10, 10);
      zipper(sent, 5, 10).next();
    }
    assertThat(retainedBytes()).isZero();
  }

  @Test
  void tooFewResultsAreAnError() {
    try (RetainedBatches sent = retained(PLENTY)) {
      send(sent, 10, 10);
      RowZipper inside = zipper(sent, 5);
      inside.next();
      assertThatThrownBy(inside::hasNext)
          .isInstanceOf(IllegalStateException.class)
          .hasMessage("Python answered fewer rows than it was sent");
    }
    try (RetainedBatches sent = retained(PLENTY)) {
      send(sent, 10, 10);
      RowZipper between = zipper(sent, 10);
      between.next();
      assertThatThrownBy(between::hasNext).isInstanceOf(IllegalStateException.class);
    }
  }

  @Test
  void tooManyResultsAreAnError() {
    try (RetainedBatches sent = retained(PLENTY)) {
      send(sent, 10);
      RowZipper zipper = zipper(sent, 12);
      assertThat(zipper.next().numRows()).isEqualTo(10);
      assertThatThrownBy(zipper::next)
          .isInstanceOf(IllegalStateException.class)
          .hasMessage("Python answered more rows than it was sent");
    }
  }

  @Test
  void resultsOfAnotherTypeFailWithSparksError() {
    try (RetainedBatches sent = retained(PLENTY)) {
      send(sent, 10);
      RowZipper zipper = new RowZipper(sent, results(10), List.<DataType>of(DataTypes.StringType));
      assertThatThrownBy(zipper::hasNext)
          .isInstanceOf(AssertionError.class)
          .hasMessage(
              "assertion failed: Invalid schema from pandas_udf: expected StringType, got LongType");
    }
  }

  private static RetainedBatches retained(long memoryBytes) {
    return new RetainedBatches(
        ArrowUtils.toArrowSchema(COLUMNS, "UTC", true, false).getFields(), memoryBytes);
  }

  /** What tests keep themselves is closed by then. */
  private static long retainedBytes() {
    return ArrowUtils.rootAllocator().getAllocatedMemory();
  }

  /** Sends batches of a source that frees its Arrow memory and reuses its own. */
  private void send(RetainedBatches sent, int... sizes) {
    int next = 0;
    for (int size : sizes) {
      try (BigIntVector vector = new BigIntVector("arrow", allocator)) {
        vector.allocateNew(size);
        for (int row = 0; row < size; row++) {
          vector.set(row, next + row);
          reused.putLong(row, -next - row);
        }
        vector.setValueCount(size);
        ColumnVector[] columns = {new ArrowColumnVector(vector), reused};
        assertThat(sent.add(new ColumnarBatch(columns, size)).rows()).isEqualTo(size);
      }
      next += size;
    }
  }

  private static RowZipper zipper(RetainedBatches sent, int... sizes) {
    return new RowZipper(sent, results(sizes), List.<DataType>of(DataTypes.LongType));
  }

  private static scala.collection.Iterator<ColumnarBatch> results(int... sizes) {
    List<ColumnarBatch> batches = new ArrayList<>();
    int next = 0;
    for (int size : sizes) {
      OnHeapColumnVector column = new OnHeapColumnVector(size, DataTypes.LongType);
      for (int row = 0; row < size; row++) {
        column.putLong(row, (next + row) * 10L);
      }
      next += size;
      batches.add(new ColumnarBatch(new ColumnVector[] {column}, size));
    }
    return JavaConverters.asScalaIterator(batches.iterator());
  }
}
