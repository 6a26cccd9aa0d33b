package io.tensorarrow.spark.python.retained;

import io.tensorarrow.spark.python.arrow.ArrowColumns;
import io.tensorarrow.spark.python.arrow.ColumnConversion;
import io.tensorarrow.spark.tensor.vector.RetainedColumns;
import io.tensorarrow.spark.tensor.vector.RowSelection;
import io.tensorarrow.spark.tensor.vector.SelectedColumn;
import io.tensorarrow.spark.tensor.vector.StableArrowVector;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.types.pojo.Field;
import org.apache.spark.sql.vectorized.ColumnVector;
import org.apache.spark.sql.vectorized.ColumnarBatch;

/** A batch that outlives its source's. Owns its columns; closing may be repeated. */
public final class RetainedBatch implements WaitingBatch {
  private final List<ColumnVector> columns;
  private final int rows;

  private RetainedBatch(List<ColumnVector> columns, int rows) {
    this.columns = columns;
    this.rows = rows;
  }

  /**
   * Retains a batch: tensors and what Python answered as they are, other columns as Arrow vectors,
   * since their readers use the memory again.
   *
   * @param batch stays its source's
   * @param fields the Arrow fields of its columns
   * @param allocator counts the memory
   */
  static RetainedBatch of(ColumnarBatch batch, List<Field> fields, BufferAllocator allocator) {
    List<ColumnVector> columns = new ArrayList<>(fields.size());
    try {
      for (int i = 0; i < fields.size(); i++) {
        columns.add(retained(batch.column(i), batch.numRows(), fields.get(i), allocator));
      }
      return new RetainedBatch(columns, batch.numRows());
    } catch (Throwable e) {
      columns.forEach(ColumnVector::close);
      throw e;
    }
  }

  /** Returns a batch that owns the vectors. */
  static RetainedBatch over(List<FieldVector> vectors, int rows) {
    return new RetainedBatch(
        vectors.stream().<ColumnVector>map(StableArrowVector::new).toList(), rows);
  }

  private static ColumnVector retained(
      ColumnVector column, int rows, Field field, BufferAllocator allocator) {
    Optional<ColumnVector> shared = RetainedColumns.retain(column, allocator);
    if (shared.isPresent()) {
      return shared.get();
    }
    ColumnConversion conversion = new ColumnConversion(List.of(field), allocator);
    // A view, so that an Arrow column of the source's is copied too.
    ColumnVector view = new SelectedColumn(column, RowSelection.range(0, rows));
    ColumnarBatch viewBatch = new ColumnarBatch(new ColumnVector[] {view}, rows);
    try (ArrowColumns converted = conversion.convert(viewBatch)) {
      return new StableArrowVector(RetainedColumns.retain(converted.vectors().get(0), allocator));
    }
  }

  @Override
  public int rows() {
    return rows;
  }

  List<ColumnVector> columns() {
    return columns;
  }

  /** Returns some of its columns, which this batch still owns. */
  public ColumnarBatch select(List<Integer> ordinals) {
    return new ColumnarBatch(
        ordinals.stream().map(columns::get).toArray(ColumnVector[]::new), rows);
  }

  @Override
  public RetainedBatch open() {
    return this;
  }

  @Override
  public void close() {
    columns.forEach(ColumnVector::close);
  }
}
