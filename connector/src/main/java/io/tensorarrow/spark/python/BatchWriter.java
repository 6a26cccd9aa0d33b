package io.tensorarrow.spark.python;

import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.util.List;
import java.util.Optional;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.types.pojo.Schema;
import org.apache.spark.SparkEnv;
import org.apache.spark.TaskContext;
import org.apache.spark.api.python.BasePythonRunner;
import org.apache.spark.sql.execution.metric.SQLMetric;
import org.apache.spark.sql.util.ArrowUtils;
import org.apache.spark.sql.vectorized.ColumnarBatch;
import org.apache.spark.util.TaskCompletionListener;
import scala.collection.Iterator;

/** Hands batches to a worker. A thread; Spark starts, stops and joins it. */
@SuppressWarnings({"rawtypes", "unchecked"})
final class BatchWriter extends BasePythonRunner.WriterThread {
  private final ColumnarPythonRunner runner;
  private final PythonCall call;
  private final Optional<RetainedBatches> retained;
  private final Iterator<ColumnarBatch> batches;
  private final HandoverCounters counters;
  private final TaskLeases leases;

  BatchWriter(
      ColumnarPythonRunner runner,
      PythonCall call,
      Optional<RetainedBatches> retained,
      SparkEnv env,
      Socket worker,
      Iterator<ColumnarBatch> batches,
      int partition,
      TaskContext task) {
    runner.super(env, worker, batches, partition, task);
    this.runner = runner;
    this.call = call;
    this.retained = retained;
    this.batches = batches;
    this.counters = new HandoverCounters(call.metrics());
    this.leases =
        new TaskLeases(
            call.sharesMemory() ? SharedMemory.get().pool() : Optional.empty(), task, counters);
    // Spark adds a listener after this one that stops and joins this thread; it runs before.
    TaskCompletionListener ending = context -> leases.close();
    task.addTaskCompletionListener(ending);
  }

  @Override
  public void writeCommand(DataOutputStream out) {
    runner.writeCommand(out);
  }

  @Override
  public void writeIteratorToStream(DataOutputStream out) {
    try (BufferAllocator allocator =
        ArrowUtils.rootAllocator().newChildAllocator("batches to Python", 0, Long.MAX_VALUE)) {
      ArrowStream stream = stream(out, allocator);
      // What is kept outlives this thread.
      BufferAllocator ofColumns = retained.map(RetainedBatches::allocator).orElse(allocator);
      write(stream, sink(stream, allocator), new ColumnConversion(call.inputFields(), ofColumns));
    } catch (IOException e) {
      // Spark's own signature has none; its caller tells it from a failure of the source.
      throw new UncheckedIOException(e);
    }
  }

  private ArrowStream stream(DataOutputStream out, BufferAllocator allocator) {
    if (call.sharesMemory()) {
      return ArrowStream.ofBatches(out, List.of(EnvelopeSink.COLUMN), allocator);
    }
    return call.wholeBatches()
        ? ArrowStream.ofBatches(out, call.sentFields(), allocator)
        : ArrowStream.ofColumns(out, call.sentFields(), allocator);
  }

  private BatchSink sink(ArrowStream stream, BufferAllocator allocator) {
    return call.sharesMemory()
        ? new EnvelopeSink(stream, new Schema(call.sentFields()), leases, counters, allocator)
        : new PlainSink(stream, call.sent());
  }

  private void write(ArrowStream stream, BatchSink sink, ColumnConversion conversion)
      throws IOException {
    SQLMetric sent = call.metrics().apply(PythonMetrics.SENT);
    long before = 0;
    sink.begin();
    while (batches.hasNext()) {
      write(batches.next(), sink, conversion);
      sent.add(stream.bytesWritten() - before);
      before = stream.bytesWritten();
    }
    sink.end();
    sent.add(stream.bytesWritten() - before);
  }

  /** Batches larger than a worker may get are cut. */
  private void write(ColumnarBatch batch, BatchSink sink, ColumnConversion conversion)
      throws IOException {
    int rows = batch.numRows();
    int most = call.settings().maxRecordsPerBatch();
    int step = most <= 0 ? Math.max(1, rows) : most;
    try (ArrowColumns columns = conversion.convert(batch)) {
      counters.converted(columns.ownedBytes());
      ArrowColumns sent = retained.map(r -> r.keep(columns, rows)).orElse(columns);
      for (int first = 0; first < rows; first += step) {
        int count = Math.min(step, rows - first);
        try (ArrowColumns slice = sent.slice(first, count)) {
          sink.write(slice.vectors(), count);
        }
      }
    }
  }
}
