package io.tensorarrow.spark.python;

import java.util.List;
import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.arrow.vector.FieldVector;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.vectorized.ArrowColumnVector;
import org.apache.spark.sql.vectorized.ColumnVector;
import org.apache.spark.sql.vectorized.ColumnarBatch;
import org.jspecify.annotations.Nullable;
import scala.collection.AbstractIterator;
import scala.collection.Iterator;

/**
 * Puts a worker's replies beside the batches that they answer: by rows, since iterator functions
 * answer in batches of their own.
 *
 * <p>Belongs to the task's thread. A batch is valid until the next one is asked for. Owns what it
 * returned last; the retained batches are the caller's.
 */
final class ZippedBatches extends AbstractIterator<ColumnarBatch> implements AutoCloseable {
  private final RetainedBatches retained;
  private final Iterator<ColumnarBatch> replies;
  private final List<DataType> replyTypes;

  private @Nullable ArrowColumns reply;
  private int replyAt;
  private int inputAt;
  private @Nullable ArrowColumns currentInputs;
  private @Nullable ArrowColumns currentReply;

  /**
   * Takes both sides.
   *
   * @param retained what the worker was sent, in order
   * @param replies what it answers; each valid until the next one
   * @param results the columns that replies have to have
   */
  ZippedBatches(RetainedBatches retained, Iterator<ColumnarBatch> replies, StructType results) {
    this.retained = retained;
    this.replies = replies;
    this.replyTypes = Stream.of(results.fields()).map(StructField::dataType).toList();
  }

  @Override
  public boolean hasNext() {
    while (reply == null || replyAt == reply.rows()) {
      closeReply();
      if (!replies.hasNext()) {
        checkAllAnswered();
        return false;
      }
      reply = owned(replies.next());
    }
    return true;
  }

  @Override
  public ColumnarBatch next() {
    closeCurrent();
    if (!hasNext()) {
      throw new NoSuchElementException();
    }
    ArrowColumns answers = Objects.requireNonNull(reply);
    ArrowColumns inputs = nextInputs();
    int rows = Math.min(inputs.rows() - inputAt, answers.rows() - replyAt);
    currentInputs = inputs.slice(inputAt, rows);
    // Of its own, since the reply goes when the next one is looked for.
    currentReply = answers.split(replyAt, rows);
    inputAt += rows;
    replyAt += rows;
    ColumnVector[] columns =
        Stream.concat(currentInputs.vectors().stream(), currentReply.vectors().stream())
            .map(BorrowedColumn::new)
            .toArray(ColumnVector[]::new);
    return new ColumnarBatch(columns, rows);
  }

  /** Returns the batch that the next rows answer, and frees those that are done with. */
  private ArrowColumns nextInputs() {
    ArrowColumns inputs = retained.first().orElseThrow(ZippedBatches::tooLong);
    while (inputAt == inputs.rows()) {
      retained.removeFirst();
      inputAt = 0;
      inputs = retained.first().orElseThrow(ZippedBatches::tooLong);
    }
    return inputs;
  }

  /** The worker checks lengths, too; it must not depend on it that rows are lost. */
  private void checkAllAnswered() {
    int answered = inputAt;
    retained
        .first()
        .filter(inputs -> answered < inputs.rows())
        .ifPresent(
            inputs -> {
              throw new IllegalStateException("the function returned fewer rows than it was given");
            });
  }

  private static IllegalStateException tooLong() {
    return new IllegalStateException("the function returned more rows than it was given");
  }

  private ArrowColumns owned(ColumnarBatch batch) {
    List<FieldVector> vectors =
        IntStream.range(0, batch.numCols())
            .mapToObj(i -> (FieldVector) ((ArrowColumnVector) batch.column(i)).getValueVector())
            .toList();
    List<DataType> found =
        IntStream.range(0, batch.numCols()).mapToObj(i -> batch.column(i).dataType()).toList();
    if (!found.equals(replyTypes)) {
      throw new IllegalStateException(
          "Invalid schema from pandas_udf: expected %s, got %s".formatted(replyTypes, found));
    }
    ArrowColumns borrowed =
        new ArrowColumns(vectors, List.of(), batch.numRows(), retained.allocator());
    return borrowed.retain(batch.numRows());
  }

  private void closeReply() {
    if (reply != null) {
      reply.close();
      reply = null;
      replyAt = 0;
    }
  }

  private void closeCurrent() {
    if (currentInputs != null) {
      currentInputs.close();
      currentInputs = null;
    }
    if (currentReply != null) {
      currentReply.close();
      currentReply = null;
    }
  }

  @Override
  public void close() {
    closeCurrent();
    closeReply();
  }
}
