package io.tensorarrow.spark.python.retained;

import io.tensorarrow.spark.tensor.vector.RowSelection;
import io.tensorarrow.spark.tensor.vector.SelectedColumn;
import java.util.ArrayList;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.vectorized.ColumnVector;
import org.apache.spark.sql.vectorized.ColumnarBatch;
import org.jspecify.annotations.Nullable;
import scala.collection.AbstractIterator;
import scala.collection.Iterator;

/**
 * Joins each row that was sent with its result: functions over iterators may return batches of
 * other sizes than they got.
 *
 * <p>A batch is valid until {@code hasNext} or {@code next} is called; its columns need not be
 * closed. Belongs to one thread at a time.
 */
public final class RowZipper extends AbstractIterator<ColumnarBatch> {
  private final RetainedBatches sent;
  private final Iterator<ColumnarBatch> results;
  private final List<DataType> types;

  private @Nullable RetainedBatch sentBatch;
  private int sentRow;
  private @Nullable ColumnarBatch result;
  private int resultRow;

  /**
   * Creates a zipper over batches that were sent and their results.
   *
   * @param sent the batches that were sent, at least those whose results have arrived
   * @param results batches that are valid until the next one
   * @param types the types that the results' columns must have
   */
  public RowZipper(RetainedBatches sent, Iterator<ColumnarBatch> results, List<DataType> types) {
    this.sent = sent;
    this.results = results;
    this.types = List.copyOf(types);
  }

  @Override
  public boolean hasNext() {
    while (result == null || resultRow == result.numRows()) {
      if (!results.hasNext()) {
        checkAllRowsHaveResults();
        return false;
      }
      result = checked(results.next());
      resultRow = 0;
    }
    return true;
  }

  private ColumnarBatch checked(ColumnarBatch batch) {
    List<DataType> actual =
        IntStream.range(0, batch.numCols()).mapToObj(i -> batch.column(i).dataType()).toList();
    if (!actual.equals(types)) {
      // The message of Spark's own node.
      throw new AssertionError(
          "assertion failed: Invalid schema from pandas_udf: expected "
              + joined(types)
              + ", got "
              + joined(actual));
    }
    return batch;
  }

  private static String joined(List<DataType> types) {
    return types.stream().map(DataType::toString).collect(Collectors.joining(", "));
  }

  private void checkAllRowsHaveResults() {
    boolean rowsLeft = sentBatch != null && sentRow < sentBatch.rows();
    sentBatch = null;
    if (rowsLeft || sent.take().isPresent()) {
      throw new IllegalStateException("Python answered fewer rows than it was sent");
    }
  }

  @Override
  public ColumnarBatch next() {
    if (!hasNext()) {
      throw new NoSuchElementException();
    }
    ColumnarBatch right = Objects.requireNonNull(result);
    RetainedBatch left = current();
    int rows = Math.min(left.rows() - sentRow, right.numRows() - resultRow);
    List<ColumnVector> columns = new ArrayList<>();
    for (ColumnVector column : left.columns()) {
      columns.add(part(column, sentRow, rows, left.rows()));
    }
    for (int i = 0; i < right.numCols(); i++) {
      columns.add(part(right.column(i), resultRow, rows, right.numRows()));
    }
    sentRow += rows;
    resultRow += rows;
    return new ColumnarBatch(columns.toArray(ColumnVector[]::new), rows);
  }

  private RetainedBatch current() {
    RetainedBatch current = sentBatch;
    if (current == null || sentRow == current.rows()) {
      current =
          sent.take()
              .orElseThrow(
                  () -> new IllegalStateException("Python answered more rows than it was sent"));
      sentBatch = current;
      sentRow = 0;
    }
    return current;
  }

  private static ColumnVector part(ColumnVector column, int first, int rows, int allRows) {
    return rows == allRows ? column : new SelectedColumn(column, RowSelection.range(first, rows));
  }
}
