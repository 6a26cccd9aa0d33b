package io.tensorarrow.spark.python.worker;

import io.tensorarrow.spark.columnar.ScalaLists;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.net.Socket;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.spark.SparkEnv;
import org.apache.spark.TaskContext;
import org.apache.spark.api.python.BasePythonRunner;
import org.apache.spark.sql.execution.python.ArrowPythonRunner;
import org.apache.spark.sql.types.StructType;
import scala.Option;
import scala.collection.Iterator;

/**
 * Spark's own runner of Python workers, except that columnar batches cross the socket in both
 * directions instead of rows.
 *
 * <p>Runs in a task: {@link BatchWriter} in a thread of its own, which Spark starts and joins,
 * {@link BatchReader} in the task's.
 */
// Spark declares the runner's input and output as rows of a type that is erased; the methods that
// it calls have two such declarations at once, which only raw types override both.
@SuppressWarnings({"rawtypes", "unchecked"})
final class ColumnarPythonRunner extends ArrowPythonRunner {
  private final PythonCall call;

  ColumnarPythonRunner(PythonCall call) {
    super(
        ScalaLists.of(
            call.takesWholeBatches()
                ? List.of(WorkerModule.prepend(call.functions().get(0), call))
                : call.functions()),
        call.evalType(),
        call.argumentOffsets(),
        call.takesWholeBatches()
            ? new StructType().add("struct", call.schema().input())
            : call.schema().input(),
        call.settings().timeZone(),
        call.settings().largeVarTypes(),
        call.settings().workerConf(),
        call.metrics(),
        call.settings().artifacts());
    this.call = call;
  }

  @Override
  public BasePythonRunner.WriterThread newWriterThread(
      SparkEnv env, Socket worker, Iterator input, int partition, TaskContext task) {
    return new BatchWriter(this, call, env, worker, input, partition, task);
  }

  @Override
  public Iterator newReaderIterator(
      DataInputStream stream,
      BasePythonRunner.WriterThread writer,
      long startTime,
      SparkEnv env,
      Socket worker,
      Option pid,
      AtomicBoolean releasedOrClosed,
      TaskContext task) {
    return new BatchReader(
        this,
        call,
        stream,
        (BatchWriter) writer,
        startTime,
        env,
        worker,
        pid,
        releasedOrClosed,
        task);
  }

  /** Writes the functions that the worker is to call. */
  void writeCommand(DataOutputStream out) {
    handleMetadataBeforeExec(out);
    writeUDF(out, funcs(), argOffsets());
  }
}
