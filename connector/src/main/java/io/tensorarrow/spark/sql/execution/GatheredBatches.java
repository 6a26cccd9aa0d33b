package io.tensorarrow.spark.sql.execution;

import io.tensorarrow.spark.columnar.BatchGatherer;
import io.tensorarrow.spark.columnar.BatchGatherer.Gathered;
import io.tensorarrow.spark.inference.InferenceSpec.BatchPolicy;
import io.tensorarrow.spark.source.wrapped.FileCut;
import io.tensorarrow.spark.source.wrapped.SourcePlace;
import io.tensorarrow.spark.source.wrapped.SourcePosition;
import io.tensorarrow.spark.tensor.vector.RowSelection;
import io.tensorarrow.spark.tensor.vector.SelectedColumn;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import org.apache.spark.TaskContext;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.vectorized.ColumnVector;
import org.apache.spark.sql.vectorized.ColumnarBatch;
import org.apache.spark.util.TaskCompletionListener;
import org.jspecify.annotations.Nullable;

/**
 * The batches of a partition with a model's outputs for all rows, divided into model batches across
 * the child's own, and of these no more than one file at once where the query asks for it: views of
 * the child's columns or of copies of theirs, and behind them tensor columns, which own
 * TensorFlow's memory, or views of them.
 *
 * <p>A batch is valid until the next one is asked for, or until the task ends; the consumer may
 * close its columns earlier. Not thread-safe, but not bound to a thread.
 */
final class GatheredBatches implements Iterator<ColumnarBatch> {
  private final scala.collection.Iterator<ColumnarBatch> source;
  private final ModelCalls calls;
  private final int columnCount;
  private final boolean acrossFiles;
  private final BatchGatherer<SourcePlace> gatherer;
  private final TaskContext context = TaskContext.get();
  private final SourcePosition position = new SourcePosition(context);

  /** What to run next, or what ran last. */
  private @Nullable Gathered<SourcePlace> gathered;

  private long rowsBefore;
  private boolean ended;
  private List<ColumnVector> tensors = List.of();
  private List<FileCut> cuts = List.of();
  private int cutsUsed;

  /**
   * Begins a partition, in its task.
   *
   * @param source the child's batches, each valid until the next one is asked for
   * @param schema the columns of the batches
   */
  GatheredBatches(
      InferenceTask task,
      int partition,
      scala.collection.Iterator<ColumnarBatch> source,
      StructType schema) {
    BatchPolicy policy = task.spec().batch();
    this.source = source;
    this.gatherer = new BatchGatherer<>(schema, policy.rows(), policy.enoughRows());
    this.calls = new ModelCalls(task, partition);
    this.columnCount = task.columns();
    this.acrossFiles = task.acrossFiles();
    context.addTaskCompletionListener((TaskCompletionListener) end -> gatherer.close());
  }

  @Override
  public boolean hasNext() {
    if (cutsUsed < cuts.size()) {
      return true;
    }
    if (!cuts.isEmpty()) {
      // The consumer is done with the last batch, and its columns are about to be reused.
      calls.release();
      cuts = List.of();
      cutsUsed = 0;
      gathered = null;
    }
    if (gathered == null) {
      gathered = gatherer.next();
    }
    while (gathered == null && !ended) {
      // Filters below may drop many batches in a row.
      context.killTaskIfInterrupted();
      advance();
      gathered = gatherer.next();
    }
    return gathered != null;
  }

  private void advance() {
    ColumnarBatch batch =
        position.<RuntimeException>advance(() -> source.hasNext() ? source.next() : null);
    if (batch == null) {
      ended = true;
      gatherer.end();
    } else {
      gatherer.offer(batch, RowSelection.range(0, batch.numRows()), position.place());
    }
  }

  @Override
  public ColumnarBatch next() {
    Gathered<SourcePlace> batch = hasNext() ? gathered : null;
    if (batch == null) {
      throw new NoSuchElementException();
    }
    if (cuts.isEmpty()) {
      long before = rowsBefore - batch.rows().at(0);
      tensors = calls.run(batch.columns(), batch.rows(), row -> before + row);
      rowsBefore += batch.rows().size();
      cuts = FileCut.of(batch.parts(), acrossFiles);
    }
    FileCut cut = cuts.get(cutsUsed++);
    cut.makeCurrent();
    return batch(batch, cut.rows());
  }

  private ColumnarBatch batch(Gathered<SourcePlace> batch, RowSelection cut) {
    RowSelection rows = batch.rows().slice(cut.at(0), cut.size());
    List<ColumnVector> columns = new ArrayList<>();
    for (int i = 0; i < columnCount; i++) {
      columns.add(new SelectedColumn(batch.columns().column(i), rows));
    }
    for (ColumnVector tensor : tensors) {
      columns.add(cuts.size() == 1 ? tensor : new SelectedColumn(tensor, cut));
    }
    return new ColumnarBatch(columns.toArray(ColumnVector[]::new), cut.size());
  }
}
