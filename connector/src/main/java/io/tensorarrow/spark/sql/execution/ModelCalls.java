package io.tensorarrow.spark.sql.execution;

import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.inference.BatchInference;
import io.tensorarrow.spark.source.ScanMetric;
import io.tensorarrow.spark.tensor.vector.RowSelection;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.apache.spark.TaskContext;
import org.apache.spark.sql.vectorized.ColumnVector;
import org.apache.spark.sql.vectorized.ColumnarBatch;
import org.apache.spark.util.TaskCompletionListener;

/**
 * The model calls of an operator's task. Owns the outputs of the last one, until the next one, or
 * until the task ends. Not thread-safe, but not bound to a thread.
 */
final class ModelCalls {
  private final InferenceTask task;
  private final int partition;
  private final BatchInference inference;
  private final Map<ScanMetric, Long> reported = new EnumMap<>(ScanMetric.class);
  private List<ColumnVector> outputs = List.of();

  /** Begins a partition, in its task. */
  ModelCalls(InferenceTask task, int partition) {
    this.task = task;
    this.partition = partition;
    this.inference = new BatchInference(task.spec(), task.schema());
    TaskContext.get().addTaskCompletionListener((TaskCompletionListener) ended -> close());
  }

  /** Finds the number of a row among those that reach the operator in the partition. */
  @FunctionalInterface
  interface Numbering {
    long of(int inBatch);
  }

  /**
   * Runs the model, and reports what it did to the node's metrics.
   *
   * @param input the child's columns, read only during the call
   * @param rows which rows to run, at least one
   * @return the outputs, for the spec's outputs in their order
   */
  List<ColumnVector> run(ColumnarBatch input, RowSelection rows, Numbering numbers) {
    release();
    ColumnVector[] arguments =
        task.inputs().stream().map(input::column).toArray(ColumnVector[]::new);
    try {
      outputs = inference.run(new ColumnarBatch(arguments, input.numRows()), rows);
    } catch (TensorArrowException e) {
      throw e.isOfRows() ? e.at(place(e, rows, numbers), "rows are counted from 0") : e;
    }
    report();
    return outputs;
  }

  private String place(TensorArrowException error, RowSelection rows, Numbering numbers) {
    String where = " of those that reach the model's operator in partition " + partition;
    return error.row().isPresent()
        ? "in row " + numbers.of(error.row().getAsInt()) + where
        : "for rows "
            + numbers.of(rows.at(0))
            + " to "
            + numbers.of(rows.at(rows.size() - 1))
            + where;
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

  /** Frees the last call's outputs, which are in no batch any more. */
  void release() {
    List<ColumnVector> openColumns = outputs;
    outputs = List.of();
    openColumns.forEach(ColumnVector::close);
  }

  private void close() {
    try (inference) {
      release();
    }
  }
}
