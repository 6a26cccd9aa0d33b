package io.tensorarrow.spark.sql;

import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.inference.BatchInference;
import io.tensorarrow.spark.source.ScanMetric;
import io.tensorarrow.spark.tensor.vector.RowSelection;
import io.tensorarrow.spark.tensor.vector.ScatteredColumn;
import io.tensorarrow.spark.tensor.vector.SelectedColumn;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import org.apache.spark.TaskContext;
import org.apache.spark.sql.execution.vectorized.ConstantColumnVector;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.vectorized.ColumnVector;
import org.apache.spark.sql.vectorized.ColumnarBatch;
import org.apache.spark.util.TaskCompletionListener;

/**
 * The batches of a partition with a model's outputs: views of the child's columns, and behind them
 * tensor columns, which own TensorFlow's memory.
 *
 * <p>A batch is valid until the next one is asked for, or until the task ends; the consumer may
 * close its columns earlier. Not thread-safe, but not bound to a thread.
 */
final class InferredBatches implements Iterator<ColumnarBatch> {
  private final InferenceTask task;
  private final int partition;
  private final scala.collection.Iterator<ColumnarBatch> source;
  private final BatchInference inference;
  private final TaskContext context = TaskContext.get();
  private final Map<ScanMetric, Long> reported = new EnumMap<>(ScanMetric.class);

  private ColumnarBatch input = new ColumnarBatch(new ColumnVector[0], 0);
  private RowSelection toRun = RowSelection.range(0, 0);
  private long rowsBefore;
  private int rowsUsed;
  private int runsUsed;
  private List<ColumnVector> tensors = List.of();

  /**
   * Begins a partition, in its task.
   *
   * @param source the child's batches, each valid until the next one is asked for
   */
  InferredBatches(
      InferenceTask task, int partition, scala.collection.Iterator<ColumnarBatch> source) {
    this.task = task;
    this.partition = partition;
    this.source = source;
    this.inference = new BatchInference(task.spec(), task.schema());
    context.addTaskCompletionListener((TaskCompletionListener) ended -> close());
  }

  @Override
  public boolean hasNext() {
    while (rowsUsed >= input.numRows()) {
      // Filters below may drop many batches in a row.
      context.killTaskIfInterrupted();
      // The consumer is done with the last batch, and this one's columns are about to be reused.
      release();
      if (!source.hasNext()) {
        return false;
      }
      rowsBefore += input.numRows();
      input = source.next();
      toRun = rowsToRun(input);
      rowsUsed = 0;
      runsUsed = 0;
    }
    return true;
  }

  private RowSelection rowsToRun(ColumnarBatch batch) {
    if (task.condition() < 0) {
      return RowSelection.range(0, batch.numRows());
    }
    ColumnVector condition = batch.column(task.condition());
    return RowSelection.where(
        batch.numRows(), row -> !condition.isNullAt(row) && condition.getBoolean(row));
  }

  @Override
  public ColumnarBatch next() {
    if (!hasNext()) {
      throw new NoSuchElementException();
    }
    release();
    int runs = Math.min(toRun.size() - runsUsed, task.spec().batch().rows());
    RowSelection run = toRun.slice(runsUsed, runs);
    runsUsed += runs;
    // Rows that do not run go with those that run before them.
    int end = runsUsed == toRun.size() ? input.numRows() : run.at(runs - 1) + 1;
    RowSelection rows = RowSelection.range(rowsUsed, end - rowsUsed);
    rowsUsed = end;
    tensors = runs == 0 ? List.of() : run(run);
    report();
    return batch(rows, run);
  }

  private List<ColumnVector> run(RowSelection run) {
    ColumnVector[] arguments =
        task.inputs().stream().map(input::column).toArray(ColumnVector[]::new);
    try {
      return inference.run(new ColumnarBatch(arguments, input.numRows()), run);
    } catch (TensorArrowException e) {
      throw e.isOfRows() ? e.at(place(e, run), "rows are counted from 0") : e;
    }
  }

  private String place(TensorArrowException error, RowSelection run) {
    String where = " of those that reach the model's operator in partition " + partition;
    return error.row().isPresent()
        ? "in row " + (rowsBefore + error.row().getAsInt()) + where
        : "for rows "
            + (rowsBefore + run.at(0))
            + " to "
            + (rowsBefore + run.at(run.size() - 1))
            + where;
  }

  private ColumnarBatch batch(RowSelection rows, RowSelection run) {
    List<ColumnVector> columns = new ArrayList<>();
    for (int i = 0; i < task.columns(); i++) {
      columns.add(new SelectedColumn(input.column(i), rows));
    }
    if (task.condition() < 0) {
      columns.addAll(tensors);
    } else {
      ScatteredColumn.Positions positions = ScatteredColumn.Positions.of(rows, run);
      for (int i = 0; i < task.resultTypes().size(); i++) {
        ColumnVector values =
            tensors.isEmpty() ? noValue(task.resultTypes().get(i)) : tensors.get(i);
        columns.add(new ScatteredColumn(values, positions));
      }
    }
    return new ColumnarBatch(columns.toArray(ColumnVector[]::new), rows.size());
  }

  private static ColumnVector noValue(DataType type) {
    ConstantColumnVector nulls = new ConstantColumnVector(1, type);
    nulls.setNull();
    return nulls;
  }

  private void report() {
    task.metrics()
        .forEach(
            (metric, sum) -> {
              long value = metric.value(inference.counters());
              Long before = reported.put(metric, value);
              sum.add(value - (before == null ? 0 : before));
            });
  }

  private void release() {
    List<ColumnVector> openColumns = tensors;
    tensors = List.of();
    openColumns.forEach(ColumnVector::close);
  }

  private void close() {
    try (inference) {
      release();
    }
  }
}
