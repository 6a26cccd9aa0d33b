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
 * Puts each row that was sent together with its answer: functions over iterators cut their answers
 * as they like.
 *
 * <p>A batch is valid until the next one is asked or looked for; its columns need not be closed.
 * Belongs to one thread at a time.
 */
public final class RowZipper extends AbstractIterator<ColumnarBatch> {
  private final RetainedBatches sent;
  private final Iterator<ColumnarBatch> answers;
  private final List<DataType> types;

  private @Nullable RetainedBatch batch;
  private int batchRow;
  private @Nullable ColumnarBatch answer;
  private int answerRow;

  /**
   * Creates a zipper over batches that were sent and their results.
   *
   * @param sent what was sent, at least as far as it was answered
   * @param answers batches that are valid until the next one
   * @param types what their columns have to be
   */
  public RowZipper(RetainedBatches sent, Iterator<ColumnarBatch> answers, List<DataType> types) {
    this.sent = sent;
    this.answers = answers;
    this.types = List.copyOf(types);
  }

  @Override
  public boolean hasNext() {
    while (answer == null || answerRow == answer.numRows()) {
      if (!answers.hasNext()) {
        checkAllAnswered();
        return false;
      }
      answer = checked(answers.next());
      answerRow = 0;
    }
    return true;
  }

  private ColumnarBatch checked(ColumnarBatch found) {
    List<DataType> actual =
        IntStream.range(0, found.numCols()).mapToObj(i -> found.column(i).dataType()).toList();
    if (!actual.equals(types)) {
      // What Spark's own node says, in its words.
      throw new AssertionError(
          "assertion failed: Invalid schema from pandas_udf: expected "
              + joined(types)
              + ", got "
              + joined(actual));
    }
    return found;
  }

  private static String joined(List<DataType> types) {
    return types.stream().map(DataType::toString).collect(Collectors.joining(", "));
  }

  private void checkAllAnswered() {
    boolean open = batch != null && batchRow < batch.rows();
    batch = null;
    if (open || sent.take().isPresent()) {
      throw new IllegalStateException("Python answered fewer rows than it was sent");
    }
  }

  @Override
  public ColumnarBatch next() {
    if (!hasNext()) {
      throw new NoSuchElementException();
    }
    ColumnarBatch right = Objects.requireNonNull(answer);
    RetainedBatch left = current();
    int rows = Math.min(left.rows() - batchRow, right.numRows() - answerRow);
    List<ColumnVector> columns = new ArrayList<>();
    for (ColumnVector column : left.columns()) {
      columns.add(part(column, batchRow, rows, left.rows()));
    }
    for (int i = 0; i < right.numCols(); i++) {
      columns.add(part(right.column(i), answerRow, rows, right.numRows()));
    }
    batchRow += rows;
    answerRow += rows;
    return new ColumnarBatch(columns.toArray(ColumnVector[]::new), rows);
  }

  private RetainedBatch current() {
    RetainedBatch current = batch;
    if (current == null || batchRow == current.rows()) {
      current =
          sent.take()
              .orElseThrow(
                  () -> new IllegalStateException("Python answered more rows than it was sent"));
      batch = current;
      batchRow = 0;
    }
    return current;
  }

  private static ColumnVector part(ColumnVector column, int first, int rows, int all) {
    return rows == all ? column : new SelectedColumn(column, RowSelection.range(first, rows));
  }
}
