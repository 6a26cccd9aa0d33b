package io.tensorarrow.spark.columnar;

import io.tensorarrow.spark.tensor.vector.RowRuns;
import io.tensorarrow.spark.tensor.vector.RowSelection;
import io.tensorarrow.spark.tensor.vector.SelectedColumn;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.spark.sql.execution.RowToColumnConverter;
import org.apache.spark.sql.execution.datasources.parquet.ParquetReadSupport$;
import org.apache.spark.sql.execution.vectorized.WritableColumnVector;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.vectorized.ColumnVector;
import org.apache.spark.sql.vectorized.ColumnarBatch;
import org.jspecify.annotations.Nullable;

/**
 * Copies rows of columnar batches into a batch on the heap: columns of plain values and arrays in
 * bulk, others row by row. Not thread-safe.
 */
final class RowCopier implements AutoCloseable {
  private final HeapColumns columns;
  private final List<BulkColumn> bulkColumns = new ArrayList<>();
  private final List<Integer> otherColumns = new ArrayList<>();
  private final RowToColumnConverter otherConverter;
  private final WritableColumnVector[] others;
  private List<Source> bulkSources = List.of();
  private ColumnarBatch otherSource = new ColumnarBatch(new ColumnVector[0], 0);

  private record BulkColumn(int ordinal, CellCopier copier) {}

  /**
   * Where a column's values are: a view, as a filter makes them, hides that they can be read in
   * bulk.
   */
  private static final class Source {
    private final ColumnVector vector;

    /** The vector's rows that the batch shows, or null if it shows all. */
    private final int @Nullable [] positions;

    Source(ColumnVector column) {
      if (column instanceof SelectedColumn view) {
        this.vector = view.origin();
        this.positions = view.positions().positions();
      } else {
        this.vector = column;
        this.positions = null;
      }
    }

    void copy(RowSelection rows, CellCopier copier, WritableColumnVector to) {
      RowRuns runs = new RowRuns();
      for (int i = 0; i < rows.size(); i++) {
        runs.add(positions == null ? rows.at(i) : positions[rows.at(i)], 1);
      }
      runs.forEach(
          Integer.MAX_VALUE, (position, start, length) -> copier.append(vector, start, length, to));
    }
  }

  /**
   * Creates an empty batch.
   *
   * @param schema the columns of the batches to come
   * @param maxRows the most rows to hold
   */
  RowCopier(StructType schema, int maxRows) {
    // The converter knows no user-defined types; vectors hold them as the SQL type below them.
    StructType sqlTypes = ParquetReadSupport$.MODULE$.expandUDT(schema);
    StructType otherTypes = new StructType();
    this.columns = new HeapColumns(sqlTypes, maxRows);
    for (int i = 0; i < sqlTypes.size(); i++) {
      Optional<CellCopier> copier = CellCopier.of(sqlTypes.apply(i).dataType());
      if (copier.isPresent()) {
        bulkColumns.add(new BulkColumn(i, copier.get()));
      } else {
        otherColumns.add(i);
        otherTypes = otherTypes.add(sqlTypes.apply(i));
      }
    }
    this.otherConverter = new RowToColumnConverter(otherTypes);
    this.others = otherColumns.stream().map(columns::column).toArray(WritableColumnVector[]::new);
  }

  /** Chooses the batch to copy from, which must stay valid as long as rows of it are copied. */
  void read(ColumnarBatch batch) {
    bulkSources =
        bulkColumns.stream().map(column -> new Source(batch.column(column.ordinal()))).toList();
    ColumnVector[] vectors = otherColumns.stream().map(batch::column).toArray(ColumnVector[]::new);
    otherSource = new ColumnarBatch(vectors, batch.numRows());
  }

  /** Copies rows of the chosen batch behind those that are there. */
  void copy(RowSelection rows) {
    for (int i = 0; i < bulkColumns.size(); i++) {
      BulkColumn column = bulkColumns.get(i);
      bulkSources.get(i).copy(rows, column.copier(), columns.column(column.ordinal()));
    }
    if (others.length > 0) {
      for (int i = 0; i < rows.size(); i++) {
        otherConverter.convert(otherSource.getRow(rows.at(i)), others);
      }
    }
    columns.added(rows.size());
  }

  boolean isFull() {
    return columns.isFull();
  }

  int size() {
    return columns.size();
  }

  void clear() {
    columns.clear();
  }

  /** Returns the copied rows, valid until they are cleared or closed. */
  ColumnarBatch batch() {
    return columns.batch();
  }

  @Override
  public void close() {
    columns.close();
  }
}
