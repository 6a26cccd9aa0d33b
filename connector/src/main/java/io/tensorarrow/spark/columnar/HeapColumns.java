package io.tensorarrow.spark.columnar;

import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.execution.vectorized.OnHeapColumnVector;
import org.apache.spark.sql.execution.vectorized.WritableColumnVector;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.BinaryType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.MapType;
import org.apache.spark.sql.types.StringType;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.vectorized.ColumnarBatch;

/**
 * A batch that is filled row after row, in memory on the heap, which it keeps when it is emptied.
 * Not thread-safe.
 */
final class HeapColumns implements AutoCloseable {
  private final int maxRows;
  private final WritableColumnVector[] columns;
  private final List<WritableColumnVector> growing = new ArrayList<>();
  private final ColumnarBatch batch;
  private int size;

  /**
   * Creates an empty batch.
   *
   * @param types the columns, without user-defined types
   * @param maxRows the most rows
   */
  HeapColumns(StructType types, int maxRows) {
    this.maxRows = maxRows;
    this.columns =
        OnHeapColumnVector.allocateColumns(Math.min(maxRows, RowCollector.BATCH_ROWS), types);
    for (WritableColumnVector column : columns) {
      addGrowing(column, growing);
    }
    this.batch = new ColumnarBatch(columns);
  }

  /** Returns a column, to append to. */
  WritableColumnVector column(int ordinal) {
    return columns[ordinal];
  }

  /** Returns all columns, to append to. */
  WritableColumnVector[] columns() {
    return columns;
  }

  /** Counts rows that were appended to every column. */
  void added(int rows) {
    size += rows;
  }

  /** Returns how many rows there are. */
  int size() {
    return size;
  }

  /** Returns whether another row has to go into the next batch. */
  boolean isFull() {
    return size >= maxRows || bytes() >= RowCollector.BATCH_BYTES;
  }

  /** Empties the batch. */
  void clear() {
    for (WritableColumnVector column : columns) {
      column.reset();
    }
    size = 0;
  }

  /** Returns the rows, valid until they are cleared or closed. */
  ColumnarBatch batch() {
    batch.setNumRows(size);
    return batch;
  }

  @Override
  public void close() {
    batch.close();
  }

  /** Returns about how many bytes the cells take beyond those of fixed size. */
  private long bytes() {
    long bytes = 0;
    for (WritableColumnVector part : growing) {
      bytes += (long) part.getElementsAppended() * part.dataType().defaultSize();
    }
    return bytes;
  }

  /** Finds the vectors that hold the elements of arrays and maps, and the bytes of texts. */
  private static void addGrowing(WritableColumnVector column, List<WritableColumnVector> vectors) {
    DataType type = column.dataType();
    if (type instanceof ArrayType || type instanceof StringType || type instanceof BinaryType) {
      vectors.add(column.arrayData());
      addGrowing(column.arrayData(), vectors);
    } else if (type instanceof MapType) {
      for (int i = 0; i < 2; i++) {
        vectors.add(column.getChild(i));
        addGrowing(column.getChild(i), vectors);
      }
    } else if (type instanceof StructType struct) {
      for (int i = 0; i < struct.size(); i++) {
        addGrowing(column.getChild(i), vectors);
      }
    }
  }
}
