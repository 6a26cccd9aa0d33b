package io.tensorarrow.spark.python.worker;

import io.tensorarrow.spark.options.ExecutorSettings;
import io.tensorarrow.spark.python.retained.RetainedBatches;
import io.tensorarrow.spark.python.retained.RowZipper;
import java.util.Arrays;
import java.util.List;
import org.apache.arrow.vector.types.pojo.Field;
import org.apache.spark.ContextAwareIterator;
import org.apache.spark.PartitionEvaluator;
import org.apache.spark.PartitionEvaluatorFactory;
import org.apache.spark.TaskContext;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.util.ArrowUtils;
import org.apache.spark.sql.vectorized.ColumnarBatch;
import org.apache.spark.util.TaskCompletionListener;
import scala.collection.Iterator;

/**
 * Calls scalar Python functions, and returns the child's columns followed by the functions'
 * results. Immutable; shipped to the executors.
 *
 * @param call the call of the functions
 * @param arguments the ordinals of the child's columns that are sent
 * @param child all columns of the child
 */
public record ScalarCall(PythonCall call, List<Integer> arguments, StructType child)
    implements PartitionEvaluatorFactory<ColumnarBatch, ColumnarBatch> {

  @Override
  public PartitionEvaluator<ColumnarBatch, ColumnarBatch> createEvaluator() {
    return (index, inputs) -> run(inputs.head(), TaskContext.get());
  }

  private Iterator<ColumnarBatch> run(Iterator<ColumnarBatch> input, TaskContext task) {
    RetainedBatches retained =
        new RetainedBatches(childFields(), ExecutorSettings.ofProcess().retainedBytes());
    TaskCompletionListener closing =
        context -> {
          retained.close();
          context.taskMetrics().incDiskBytesSpilled(retained.spilledBytes());
        };
    // Spark calls the last listener first, so this one is called after the one that joins the
    // writing thread.
    task.addTaskCompletionListener(closing);
    // The thread that writes to the worker must not read the source after the task's end.
    Iterator<ColumnarBatch> argumentBatches =
        new ContextAwareIterator<>(task, input).map(batch -> retained.add(batch).select(arguments));
    List<DataType> resultTypes =
        Arrays.stream(call.schema().output().fields()).map(StructField::dataType).toList();
    return new RowZipper(retained, call.run(argumentBatches, task), resultTypes);
  }

  private List<Field> childFields() {
    return ArrowUtils.toArrowSchema(
            child, call.settings().timeZone(), false, call.settings().largeVarTypes())
        .getFields();
  }
}
