package io.tensorarrow.spark.python.worker;

import io.tensorarrow.spark.python.arrow.ArrowColumns;
import io.tensorarrow.spark.python.arrow.DeclaredColumns;
import io.tensorarrow.spark.tensor.vector.BorrowedColumn;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.types.pojo.Field;
import org.apache.spark.SparkEnv;
import org.apache.spark.TaskContext;
import org.apache.spark.api.python.BasePythonRunner;
import org.apache.spark.api.python.SpecialLengths;
import org.apache.spark.sql.execution.python.ArrowPythonRunner;
import org.apache.spark.sql.util.ArrowUtils;
import org.apache.spark.sql.vectorized.ColumnVector;
import org.apache.spark.sql.vectorized.ColumnarBatch;
import org.apache.spark.util.TaskCompletionListener;
import org.jspecify.annotations.Nullable;
import scala.Option;
import scala.PartialFunction;

/**
 * Reads a worker's replies: batches of Arrow columns, each valid until the next one is asked for or
 * the task ends.
 */
@SuppressWarnings({"rawtypes", "unchecked"})
final class BatchReader extends BasePythonRunner.ReaderIterator {
  private final DataInputStream stream;
  private final BasePythonRunner.WriterThread writer;
  private final boolean wholeBatches;
  private final boolean forTensors;
  private final DeclaredColumns declared;
  private final HandoverCounters counters;
  private final BufferAllocator allocator;
  private final InPlaceReplies replies;
  private @Nullable ReplyStream batches;
  private @Nullable ArrowColumns columns;

  BatchReader(
      ColumnarPythonRunner runner,
      PythonCall call,
      DataInputStream stream,
      BatchWriter writer,
      long startTime,
      SparkEnv env,
      Socket worker,
      Option pid,
      AtomicBoolean releasedOrClosed,
      TaskContext task) {
    runner.super(stream, writer, startTime, env, worker, pid, releasedOrClosed, task);
    this.stream = stream;
    this.writer = writer;
    this.wholeBatches = call.takesWholeBatches();
    this.forTensors = call.schema().forms().forTensors();
    this.counters = new HandoverCounters(call.metrics());
    this.allocator =
        ArrowUtils.rootAllocator().newChildAllocator("batches from Python", 0, Long.MAX_VALUE);
    this.declared =
        new DeclaredColumns(
            call.schema().output(), call.schema().outputFields(call.settings()), allocator);
    this.replies =
        new InPlaceReplies(call.schema().output(), declared, writer.leases(), counters, allocator);
    TaskCompletionListener closing = context -> close();
    task.addTaskCompletionListener(closing);
  }

  // Null is how Spark's iterator is told the end.
  @SuppressWarnings("NullAway")
  @Override
  public @Nullable Object read() {
    try {
      if (writer.exception().isDefined()) {
        throw (Throwable) writer.exception().get();
      }
      return nextBatch();
    } catch (Throwable fault) {
      PartialFunction<Throwable, Object> handler = handleException();
      if (handler.isDefinedAt(fault)) {
        return handler.apply(fault);
      }
      throw BatchReader.<RuntimeException>unchecked(fault);
    }
  }

  private @Nullable ColumnarBatch nextBatch() throws Throwable {
    while (true) {
      freeColumns();
      replies.close();
      if (batches != null) {
        long before = batches.bytesRead();
        boolean more = batches.loadNextBatch();
        counters.received(batches.bytesRead() - before);
        if (more) {
          VectorSchemaRoot root = batches.getVectorSchemaRoot();
          // Without rows nothing is read of the columns, whatever they are.
          if (wholeBatches && root.getRowCount() == 0) {
            declared.checkCount(batches.sentFields().get(0).getChildren());
            continue;
          }
          return unwrap(root, batches.sentFields());
        }
        batches.close(false);
        batches = null;
      }
      int section = stream.readInt();
      if (section == SpecialLengths.START_ARROW_STREAM()) {
        batches = new ReplyStream(stream, allocator);
      } else if (section == SpecialLengths.TIMING_DATA()) {
        handleTimingData();
      } else if (section == SpecialLengths.PYTHON_EXCEPTION_THROWN()) {
        throw asPySparkException(handlePythonException());
      } else if (section == SpecialLengths.END_OF_DATA_SECTION()) {
        handleEndOfDataSection();
        return null;
      } else {
        throw new IllegalStateException("a section of unknown kind from Python: " + section);
      }
    }
  }

  /**
   * Makes PySpark recognise an exception as one of a Python function: it raises its {@code
   * PythonException} for those that have a stack frame of Spark's own Python nodes.
   */
  private static Throwable asPySparkException(Throwable fault) {
    StackTraceElement[] ownFrames = fault.getStackTrace();
    StackTraceElement[] frames = Arrays.copyOf(ownFrames, ownFrames.length + 1);
    frames[ownFrames.length] =
        new StackTraceElement(ArrowPythonRunner.class.getName(), "compute", null, -1);
    fault.setStackTrace(frames);
    return fault;
  }

  private ColumnarBatch unwrap(VectorSchemaRoot root, List<Field> sent) throws IOException {
    int count = root.getRowCount();
    List<FieldVector> vectors = root.getFieldVectors();
    if (wholeBatches) {
      List<FieldVector> parts = vectors.get(0).getChildrenFromFields();
      if (forTensors && InPlaceReplies.isEnvelope(parts)) {
        ColumnarBatch reply = replies.open(parts);
        counters.receivedRows(reply.numRows());
        return reply;
      }
      columns = declared.convert(parts, sent.get(0).getChildren());
      vectors = columns.vectors();
    }
    counters.receivedRows(count);
    ColumnVector[] batch = vectors.stream().map(BorrowedColumn::new).toArray(ColumnVector[]::new);
    return new ColumnarBatch(batch, count);
  }

  private void freeColumns() {
    if (columns != null) {
      columns.close();
      columns = null;
    }
  }

  private void close() {
    try (allocator;
        replies) {
      freeColumns();
      if (batches != null) {
        batches.close(false);
        batches = null;
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Spark's reader has no checked exceptions, as Scala has none. */
  @SuppressWarnings("TypeParameterUnusedInFormals")
  private static <T extends Throwable> T unchecked(Throwable fault) throws T {
    throw (T) fault;
  }
}
