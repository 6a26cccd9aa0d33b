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
 * Calls Python functions of columns, and puts what they answer after the columns that they were
 * given some of. Immutable; shipped to the executors.
 *
 * @param call gets the arguments, and answers
 * @param arguments which of the child's columns these are
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
        new RetainedBatches(fields(), ExecutorSettings.ofProcess().retainedBytes());
    TaskCompletionListener ending =
        context -> {
          retained.close();
          context.taskMetrics().incDiskBytesSpilled(retained.spilledBytes());
        };
    // Spark calls the last listener first: this one after that which joins the writing thread.
    task.addTaskCompletionListener(ending);
    // The thread that writes to the worker must not read the source after the task's end.
    Iterator<ColumnarBatch> sent =
        new ContextAwareIterator<>(task, input).map(batch -> retained.add(batch).select(arguments));
    List<DataType> types =
        Arrays.stream(call.schema().output().fields()).map(StructField::dataType).toList();
    return new RowZipper(retained, call.run(sent, task), types);
  }

  private List<Field> fields() {
    return ArrowUtils.toArrowSchema(
            child, call.settings().timeZone(), false, call.settings().largeVarTypes())
        .getFields();
  }
}
