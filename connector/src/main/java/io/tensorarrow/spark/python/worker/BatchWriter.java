package io.tensorarrow.spark.python.worker;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.python.arrow.ArrowColumns;
import io.tensorarrow.spark.python.arrow.ColumnConversion;
import io.tensorarrow.spark.python.shm.SharedMemory;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.util.List;
import java.util.Optional;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.types.pojo.Field;
import org.apache.spark.SparkContext$;
import org.apache.spark.SparkEnv;
import org.apache.spark.TaskContext;
import org.apache.spark.api.python.BasePythonRunner;
import org.apache.spark.network.util.JavaUtils;
import org.apache.spark.sql.util.ArrowUtils;
import org.apache.spark.sql.vectorized.ColumnarBatch;
import org.apache.spark.util.TaskCompletionListener;
import scala.collection.Iterator;

/** The thread that writes batches to a worker. Spark starts, stops and joins it. */
@SuppressWarnings({"rawtypes", "unchecked"})
final class BatchWriter extends BasePythonRunner.WriterThread {
  private final ColumnarPythonRunner runner;
  private final PythonCall call;
  private final Iterator<ColumnarBatch> batches;
  private final HandoverCounters counters;
  private final TaskLeases leases;
  private final Socket socket;
  private final boolean onDriver;

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
    this.counters = new HandoverCounters(call.metrics());
    this.leases =
        new TaskLeases(
            call.sharesMemory() ? SharedMemory.get().pool() : Optional.empty(), task, counters);
    this.socket = worker;
    this.onDriver = env.executorId().equals(SparkContext$.MODULE$.DRIVER_IDENTIFIER());
    // Spark adds a listener after this one that stops and joins this thread; it runs before.
    TaskCompletionListener closing =
        context -> {
          try (leases) {
            awaitEnd();
          }
        };
    task.addTaskCompletionListener(closing);
  }

  /**
   * Waits until this thread has ended: what it reads and writes to is closed afterwards. Spark's
   * own wait ends early in a task that is killed with an interrupt, and then it leaves the socket
   * open, to which this thread may be writing.
   */
  private void awaitEnd() {
    boolean interrupted = Thread.interrupted();
    Optional<IOException> failure = Optional.empty();
    while (isAlive()) {
      try {
        socket.close();
      } catch (IOException e) {
        failure = Optional.of(e);
      }
      interrupt();
      try {
        join();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    failure.ifPresent(
        e -> {
          throw new UncheckedIOException(e);
        });
  }

  /** Returns the leases that the worker has; the task's thread takes tensors back from them. */
  TaskLeases leases() {
    return leases;
  }

  @Override
  public void writeCommand(DataOutputStream out) {
    runner.writeCommand(out);
  }

  @Override
  public void writeIteratorToStream(DataOutputStream out) {
    List<Field> fields = call.schema().inputFields(call.settings());
    try (BufferAllocator allocator =
        ArrowUtils.rootAllocator().newChildAllocator("batches to Python", 0, Long.MAX_VALUE)) {
      WorkerStream stream = new WorkerStream(out);
      BatchSink sink =
          call.takesWholeBatches()
              ? new EnvelopeSink(stream, fields, call, leases, counters)
              : new ArrowSink(stream, fields, counters);
      write(
          stream,
          sink,
          new ColumnConversion(fields, call.schema().forms().nativeColumns(), allocator));
    } catch (IOException e) {
      // Spark's signature has no IOException; the caller distinguishes this from a failure of the
      // source.
      throw new UncheckedIOException(e);
    } catch (VirtualMachineError | LinkageError e) {
      if (!onDriver) {
        throw e;
      }
      try {
        throw fatal(e);
      } catch (VirtualMachineError | LinkageError second) {
        // There is no memory for an exception: the task fails when its socket is closed.
        JavaUtils.closeQuietly(socket);
        throw e;
      }
    }
  }

  /**
   * Returns the exception that fails a task of local mode. Spark leaves fatal errors to the
   * process's handler, which ends an executor. The driver's process has no such handler: the task
   * would wait for a worker that waits for its next batch. The error is suppressed and not the
   * cause, because Spark ends the driver's process for a fatal cause.
   */
  private static TensorArrowException fatal(Error e) {
    TensorArrowException exception =
        TensorArrowException.cannot(ErrorCode.TA_HANDOVER, "hand batches over to Python")
            .found("%s", e)
            .expected("a driver with enough memory (spark.driver.memory) and all classes");
    exception.addSuppressed(e);
    return exception;
  }

  private void write(WorkerStream stream, BatchSink sink, ColumnConversion conversion)
      throws IOException {
    long bytesBefore = 0;
    sink.begin();
    while (batches.hasNext()) {
      write(batches.next(), sink, conversion);
      counters.sent(stream.bytesWritten() - bytesBefore);
      bytesBefore = stream.bytesWritten();
    }
    sink.end();
    counters.sent(stream.bytesWritten() - bytesBefore);
  }

  /** Writes a batch, in slices if it has more rows than the session's setting allows. */
  private void write(ColumnarBatch batch, BatchSink sink, ColumnConversion conversion)
      throws IOException {
    int rows = batch.numRows();
    int maxRows = call.settings().maxRecordsPerBatch();
    int step = maxRows <= 0 ? Math.max(1, rows) : maxRows;
    try (ArrowColumns columns = conversion.convert(batch)) {
      counters.converted(columns.convertedBytes());
      for (int first = 0; first < rows; first += step) {
        int count = Math.min(step, rows - first);
        try (ArrowColumns slice = columns.slice(first, count)) {
          sink.write(slice, count);
        }
      }
    }
  }
}
