package io.tensorarrow.spark.python.retained;

import static org.assertj.core.api.Assertions.assertThat;

import io.tensorarrow.spark.tensor.vector.StableArrowVector;
import java.util.List;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.IntVector;
import org.apache.spark.sql.execution.vectorized.OnHeapColumnVector;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.vectorized.ArrowColumnVector;
import org.apache.spark.sql.vectorized.ColumnVector;
import org.apache.spark.sql.vectorized.ColumnarBatch;
import org.junit.jupiter.api.Test;

class RetainedBatchTest {
  private static IntVector numbers(BufferAllocator allocator, int value) {
    IntVector vector = new IntVector("n", allocator);
    vector.allocateNew(2);
    fill(vector, value);
    vector.setValueCount(2);
    return vector;
  }

  private static void fill(IntVector vector, int value) {
    vector.set(0, value);
    vector.setNull(1);
  }

  @Test
  void reusedVectorsAreCopied() {
    try (BufferAllocator allocator = new RootAllocator();
        IntVector arrow = numbers(allocator, 7);
        OnHeapColumnVector heap = new OnHeapColumnVector(2, DataTypes.IntegerType)) {
      heap.putInt(0, 7);
      heap.putNull(1);
      ColumnVector[] columns = {new ArrowColumnVector(arrow), heap};
      try (RetainedBatch retained =
          RetainedBatch.of(
              new ColumnarBatch(columns, 2),
              List.of(arrow.getField(), arrow.getField()),
              allocator)) {
        fill(arrow, 8);
        heap.putInt(0, 8);

        for (ColumnVector column : retained.columns()) {
          assertThat(column.getInt(0)).isEqualTo(7);
          assertThat(column.isNullAt(1)).isTrue();
        }
      }
    }
  }

  @Test
  void stableVectorsAreSharedAndOutliveTheirOwner() {
    try (BufferAllocator allocator = new RootAllocator()) {
      IntVector arrow = numbers(allocator, 7);
      long address = arrow.getDataBufferAddress();
      ColumnVector[] columns = {new StableArrowVector(arrow)};
      try (RetainedBatch retained =
          RetainedBatch.of(new ColumnarBatch(columns, 2), List.of(arrow.getField()), allocator)) {
        arrow.close();
        ArrowColumnVector kept = (ArrowColumnVector) retained.columns().get(0);
        assertThat(kept.getInt(0)).isEqualTo(7);
        assertThat(((IntVector) kept.getValueVector()).getDataBufferAddress()).isEqualTo(address);
      }
      assertThat(allocator.getAllocatedMemory()).isZero();
    }
  }
}
