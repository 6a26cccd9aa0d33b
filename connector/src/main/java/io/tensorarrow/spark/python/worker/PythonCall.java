package io.tensorarrow.spark.python.worker;

import io.tensorarrow.spark.options.Handover;
import io.tensorarrow.spark.python.shm.SharedMemory;
import java.util.List;
import org.apache.spark.ContextAwareIterator;
import org.apache.spark.PartitionEvaluator;
import org.apache.spark.PartitionEvaluatorFactory;
import org.apache.spark.TaskContext;
import org.apache.spark.api.python.ChainedPythonFunctions;
import org.apache.spark.sql.execution.metric.SQLMetric;
import org.apache.spark.sql.vectorized.ColumnarBatch;
import scala.collection.Iterator;
import scala.collection.immutable.Map;

/**
 * Calls a Python function on the batches of each partition. Immutable; shipped to the executors.
 *
 * @param functions chains of functions: each function is applied to the results of the one before
 * @param arguments for each function the ordinals of the columns that it takes; empty if the only
 *     function takes whole batches
 * @param evalType Spark's number for the kind of function
 * @param handover how batches get to the worker: through shared memory or as Arrow; {@code AUTO} is
 *     through shared memory where there is any
 * @param schema the columns that the function gets and returns
 * @param settings those of the session
 * @param metrics those of the plan node, by their keys
 */
public record PythonCall(
    List<ChainedPythonFunctions> functions,
    List<List<Integer>> arguments,
    int evalType,
    Handover handover,
    WireSchema schema,
    WorkerSettings settings,
    Map<String, SQLMetric> metrics)
    implements PartitionEvaluatorFactory<ColumnarBatch, ColumnarBatch> {

  /** Whether batches may go through shared memory. */
  boolean sharesMemory() {
    return takesWholeBatches() && handover != Handover.ARROW;
  }

  /**
   * Returns true for mapInArrow and mapInPandas, whose batches travel in envelopes, and false for
   * scalar functions, whose arguments are columns.
   */
  boolean takesWholeBatches() {
    return arguments.isEmpty();
  }

  /** Returns the ordinals of each function's arguments, as Spark writes them to workers. */
  int[][] argumentOffsets() {
    return takesWholeBatches()
        ? new int[][] {{0}}
        : arguments.stream()
            .map(ordinals -> ordinals.stream().mapToInt(Integer::intValue).toArray())
            .toArray(int[][]::new);
  }

  @Override
  public PartitionEvaluator<ColumnarBatch, ColumnarBatch> createEvaluator() {
    return (index, inputs) -> {
      TaskContext task = TaskContext.get();
      // The thread that writes to the worker must not read the source after the task's end.
      return run(new ContextAwareIterator<>(task, inputs.head()), task);
    };
  }

  /**
   * Begins to send a task's batches to a worker.
   *
   * @param batches opened by this thread, then read by the writing thread, which ends before those
   *     listeners of the task are called that were added before
   * @return the worker's results
   */
  @SuppressWarnings({"rawtypes", "unchecked"})
  Iterator<ColumnarBatch> run(Iterator<ColumnarBatch> batches, TaskContext task) {
    if (handover == Handover.SHARED_MEMORY) {
      SharedMemory.get().checkUsable();
    }
    // A source that is opened adds a listener that closes it, and the last one added is told first.
    // Opened by the writing thread, it would be closed while that thread still reads it.
    batches.hasNext();
    // The runner's declared input is rows; only BatchWriter reads it.
    return new ColumnarPythonRunner(this).compute((Iterator) batches, task.partitionId(), task);
  }
}
