package io.tensorarrow.spark.sql.execution;

import io.tensorarrow.spark.tensor.vector.RowSelection;
import io.tensorarrow.spark.tensor.vector.ScatteredColumn;
import io.tensorarrow.spark.tensor.vector.SelectedColumn;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import org.apache.spark.TaskContext;
import org.apache.spark.sql.execution.vectorized.ConstantColumnVector;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.vectorized.ColumnVector;
import org.apache.spark.sql.vectorized.ColumnarBatch;

/**
 * The batches of a partition with a model's outputs for those rows for which a condition is true,
 * and nulls for others: views of the child's columns, and behind them views of tensor columns.
 *
 * <p>A batch is valid until the next one is asked for, or until the task ends. Not thread-safe, but
 * not bound to a thread.
 */
final class ConditionalBatches implements Iterator<ColumnarBatch> {
  private final InferenceTask task;
  private final scala.collection.Iterator<ColumnarBatch> source;
  private final ModelCalls calls;
  private final TaskContext context = TaskContext.get();

  private ColumnarBatch input = new ColumnarBatch(new ColumnVector[0], 0);
  private RowSelection toRun = RowSelection.range(0, 0);
  private long rowsBefore;
  private int rowsUsed;
  private int runsUsed;

  /**
   * Begins a partition, in its task.
   *
   * @param source the child's batches, each valid until the next one is asked for
   */
  ConditionalBatches(
      InferenceTask task, int partition, scala.collection.Iterator<ColumnarBatch> source) {
    this.task = task;
    this.source = source;
    this.calls = new ModelCalls(task, partition);
  }

  @Override
  public boolean hasNext() {
    while (rowsUsed >= input.numRows()) {
      // Filters below may drop many batches in a row.
      context.killTaskIfInterrupted();
      // The consumer is done with the last batch, and this one's columns are about to be reused.
      calls.release();
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
    ColumnVector condition = batch.column(task.condition());
    return RowSelection.where(
        batch.numRows(), row -> !condition.isNullAt(row) && condition.getBoolean(row));
  }

  @Override
  public ColumnarBatch next() {
    if (!hasNext()) {
      throw new NoSuchElementException();
    }
    calls.release();
    int runs = Math.min(toRun.size() - runsUsed, task.spec().batch().rows());
    RowSelection run = toRun.slice(runsUsed, runs);
    runsUsed += runs;
    // Rows that do not run go with those that run before them.
    int end = runsUsed == toRun.size() ? input.numRows() : run.at(runs - 1) + 1;
    RowSelection rows = RowSelection.range(rowsUsed, end - rowsUsed);
    rowsUsed = end;
    List<ColumnVector> tensors =
        runs == 0 ? List.of() : calls.run(input, run, row -> rowsBefore + row);
    return batch(rows, run, tensors);
  }

  private ColumnarBatch batch(RowSelection rows, RowSelection run, List<ColumnVector> tensors) {
    List<ColumnVector> columns = new ArrayList<>();
    for (int i = 0; i < task.columns(); i++) {
      columns.add(new SelectedColumn(input.column(i), rows));
    }
    ScatteredColumn.Positions positions = ScatteredColumn.Positions.of(rows, run);
    for (int i = 0; i < task.resultTypes().size(); i++) {
      ColumnVector values = tensors.isEmpty() ? noValue(task.resultTypes().get(i)) : tensors.get(i);
      columns.add(new ScatteredColumn(values, positions));
    }
    return new ColumnarBatch(columns.toArray(ColumnVector[]::new), rows.size());
  }

  private static ColumnVector noValue(DataType type) {
    ConstantColumnVector nulls = new ConstantColumnVector(1, type);
    nulls.setNull();
    return nulls;
  }
}
