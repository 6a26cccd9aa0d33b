package io.tensorarrow.spark.python;

import io.tensorarrow.spark.options.Handover;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.apache.arrow.vector.types.pojo.Field;
import org.apache.spark.ContextAwareIterator;
import org.apache.spark.PartitionEvaluator;
import org.apache.spark.PartitionEvaluatorFactory;
import org.apache.spark.TaskContext;
import org.apache.spark.api.python.ChainedPythonFunctions;
import org.apache.spark.api.python.PythonEvalType;
import org.apache.spark.sql.execution.metric.SQLMetric;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.util.ArrowUtils;
import org.apache.spark.sql.vectorized.ColumnarBatch;
import org.apache.spark.util.TaskCompletionListener;
import scala.collection.Iterator;
import scala.collection.Seq;
import scala.collection.immutable.Map;

/**
 * Calls Python functions on the batches of each partition. Immutable; shipped to the executors.
 *
 * @param functions the functions, each with those that are applied to what it returns
 * @param arguments what each function gets: places among {@code sent}
 * @param sent the columns of the input that are sent, in order; all of them for a function over
 *     batches
 * @param evalType Spark's number for the kind of functions
 * @param handover how batches get to the worker: through shared memory or as Arrow; {@code AUTO} is
 *     through shared memory where there is any
 * @param input the columns of the batches
 * @param output the columns that the functions return
 * @param settings the session's
 * @param metrics the node's
 */
record PythonCall(
    List<ChainedPythonFunctions> functions,
    List<List<Integer>> arguments,
    List<Integer> sent,
    int evalType,
    Handover handover,
    StructType input,
    StructType output,
    WorkerSettings settings,
    Map<String, SQLMetric> metrics)
    implements PartitionEvaluatorFactory<ColumnarBatch, ColumnarBatch> {

  /** Whether batches go in envelopes. */
  boolean sharesMemory() {
    return handover != Handover.ARROW;
  }

  /** Whether the function takes batches and returns batches, of as many rows as it likes. */
  boolean wholeBatches() {
    return evalType == PythonEvalType.SQL_MAP_ARROW_ITER_UDF()
        || evalType == PythonEvalType.SQL_MAP_PANDAS_ITER_UDF();
  }

  @Override
  public PartitionEvaluator<ColumnarBatch, ColumnarBatch> createEvaluator() {
    return (index, inputs) -> run(inputs);
  }

  private Iterator<ColumnarBatch> run(Seq<Iterator<ColumnarBatch>> inputs) {
    TaskContext task = TaskContext.get();
    if (handover == Handover.SHARED_MEMORY) {
      SharedMemory.get().checkUsable();
    }
    if (wholeBatches()) {
      return replies(inputs.head(), task, Optional.empty());
    }
    RetainedBatches retained = new RetainedBatches();
    // Listeners run from the last to the first: this one after writer and reader have ended.
    TaskCompletionListener freeing = context -> retained.close();
    task.addTaskCompletionListener(freeing);
    ZippedBatches zipped =
        new ZippedBatches(retained, replies(inputs.head(), task, Optional.of(retained)), output);
    TaskCompletionListener ending = context -> zipped.close();
    task.addTaskCompletionListener(ending);
    return zipped;
  }

  @SuppressWarnings({"rawtypes", "unchecked"})
  private Iterator<ColumnarBatch> replies(
      Iterator<ColumnarBatch> input, TaskContext task, Optional<RetainedBatches> retained) {
    // The thread that writes to the worker must not read the source after the task's end.
    Iterator<ColumnarBatch> batches = new ContextAwareIterator<>(task, input);
    // The runner's declared input are rows; only its writer, which is ours, looks at it.
    return new ColumnarPythonRunner(this, retained)
        .compute((Iterator) batches, task.partitionId(), task);
  }

  /** Returns the Arrow fields of all columns of the input, named and typed as Spark does it. */
  List<Field> inputFields() {
    return ArrowUtils.toArrowSchema(input, settings.timeZone(), true, settings.largeVarTypes())
        .getFields();
  }

  /**
   * Returns the fields of what is sent. Those of batches say what is known of tensors, which
   * Spark's way to Arrow drops; those of arguments have numbers for names.
   */
  List<Field> sentFields() {
    List<Field> fields = inputFields();
    if (wholeBatches()) {
      return IntStream.range(0, fields.size())
          .mapToObj(i -> TensorFields.labelled(fields.get(i), input.fields()[i].metadata()))
          .toList();
    }
    return IntStream.range(0, sent.size())
        .mapToObj(i -> renamed(fields.get(sent.get(i)), "_" + i))
        .toList();
  }

  private static Field renamed(Field field, String name) {
    return new Field(name, field.getFieldType(), field.getChildren());
  }

  /** Returns what each function gets, as Spark's runner wants it. */
  int[][] argumentPlaces() {
    return arguments.stream()
        .map(places -> places.stream().mapToInt(Integer::intValue).toArray())
        .toArray(int[][]::new);
  }
}
