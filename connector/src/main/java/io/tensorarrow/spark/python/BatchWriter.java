package io.tensorarrow.spark.python;

import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.Socket;
import org.apache.spark.SparkEnv;
import org.apache.spark.TaskContext;
import org.apache.spark.api.python.BasePythonRunner;
import org.apache.spark.sql.execution.metric.SQLMetric;
import org.apache.spark.sql.vectorized.ColumnarBatch;
import scala.collection.Iterator;

/** Writes batches to a worker, as one Arrow stream. A thread; Spark starts, stops and joins it. */
@SuppressWarnings({"rawtypes", "unchecked"})
final class BatchWriter extends BasePythonRunner.WriterThread {
  private final ColumnarPythonRunner runner;
  private final PythonCall call;
  private final Iterator<ColumnarBatch> batches;

  BatchWriter(
      ColumnarPythonRunner runner,
      PythonCall call,
      SparkEnv env,
      Socket worker,
      Iterator<ColumnarBatch> batches,
      int partition,
      TaskContext task) {
    runner.super(env, worker, batches, partition, task);
    this.runner = runner;
    this.call = call;
    this.batches = batches;
  }

  @Override
  public void writeCommand(DataOutputStream out) {
    runner.writeCommand(out);
  }

  @Override
  public void writeIteratorToStream(DataOutputStream out) {
    SQLMetric sent = call.metrics().apply(PythonMetrics.SENT);
    try (ArrowBatchStream stream = new ArrowBatchStream(out, call.input(), call.settings())) {
      long before = 0;
      while (batches.hasNext()) {
        stream.write(batches.next());
        sent.add(stream.bytesWritten() - before);
        before = stream.bytesWritten();
      }
      stream.finish();
      sent.add(stream.bytesWritten() - before);
    } catch (IOException e) {
      // Spark's own signature has none; its caller tells it from a failure of the source.
      throw new UncheckedIOException(e);
    }
  }
}
