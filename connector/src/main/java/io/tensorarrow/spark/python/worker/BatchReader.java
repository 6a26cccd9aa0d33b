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
  private final boolean takesWholeBatches;
  private final boolean forTensors;
  private final DeclaredColumns declared;
  private final HandoverCounters counters;
  private final BufferAllocator allocator;
  private final InPlaceReplies replies;
  private @Nullable ReplyStream replyStream;
  private @Nullable ArrowColumns currentColumns;

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
    this.takesWholeBatches = call.takesWholeBatches();
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

  // Null tells Spark's iterator that there are no more batches.
  @SuppressWarnings("NullAway")
  @Override
  public @Nullable Object read() {
    try {
      if (writer.exception().isDefined()) {
        throw (Throwable) writer.exception().get();
      }
      return nextBatch();
    } catch (Throwable e) {
      PartialFunction<Throwable, Object> handler = handleException();
      if (handler.isDefinedAt(e)) {
        return handler.apply(e);
      }
      throw BatchReader.<RuntimeException>unchecked(e);
    }
  }

  private @Nullable ColumnarBatch nextBatch() throws Throwable {
    while (true) {
      freeColumns();
      replies.close();
      if (replyStream != null) {
        long before = replyStream.bytesRead();
        boolean more = replyStream.loadNextBatch();
        counters.received(replyStream.bytesRead() - before);
        if (more) {
          VectorSchemaRoot root = replyStream.getVectorSchemaRoot();
          // Columns without rows are not read, so their types do not matter.
          if (takesWholeBatches && root.getRowCount() == 0) {
            declared.checkCount(replyStream.sentFields().get(0).getChildren());
            continue;
          }
          return unwrap(root, replyStream.sentFields());
        }
        replyStream.close(false);
        replyStream = null;
      }
      int marker = stream.readInt();
      if (marker == SpecialLengths.START_ARROW_STREAM()) {
        replyStream = new ReplyStream(stream, allocator);
      } else if (marker == SpecialLengths.TIMING_DATA()) {
        handleTimingData();
      } else if (marker == SpecialLengths.PYTHON_EXCEPTION_THROWN()) {
        throw asPySparkException(handlePythonException());
      } else if (marker == SpecialLengths.END_OF_DATA_SECTION()) {
        handleEndOfDataSection();
        return null;
      } else {
        throw new IllegalStateException("a section of unknown kind from Python: " + marker);
      }
    }
  }

  /**
   * Makes PySpark recognise an exception as one of a Python function: it raises its {@code
   * PythonException} for those that have a stack frame of Spark's own Python nodes.
   */
  private static Throwable asPySparkException(Throwable exception) {
    StackTraceElement[] actualFrames = exception.getStackTrace();
    StackTraceElement[] frames = Arrays.copyOf(actualFrames, actualFrames.length + 1);
    frames[actualFrames.length] =
        new StackTraceElement(ArrowPythonRunner.class.getName(), "compute", null, -1);
    exception.setStackTrace(frames);
    return exception;
  }

  private ColumnarBatch unwrap(VectorSchemaRoot root, List<Field> sentFields) throws IOException {
    int count = root.getRowCount();
    List<FieldVector> vectors = root.getFieldVectors();
    if (takesWholeBatches) {
      List<FieldVector> structColumns = vectors.get(0).getChildrenFromFields();
      if (forTensors && InPlaceReplies.isEnvelope(structColumns)) {
        ColumnarBatch reply = replies.open(structColumns);
        counters.receivedRows(reply.numRows());
        return reply;
      }
      currentColumns = declared.convert(structColumns, sentFields.get(0).getChildren());
      vectors = currentColumns.vectors();
    }
    counters.receivedRows(count);
    ColumnVector[] batch = vectors.stream().map(BorrowedColumn::new).toArray(ColumnVector[]::new);
    return new ColumnarBatch(batch, count);
  }

  private void freeColumns() {
    if (currentColumns != null) {
      currentColumns.close();
      currentColumns = null;
    }
  }

  private void close() {
    try (allocator;
        replies) {
      freeColumns();
      if (replyStream != null) {
        replyStream.close(false);
        replyStream = null;
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Throws a checked exception from a method of Spark that declares none, as in Scala. */
  @SuppressWarnings("TypeParameterUnusedInFormals")
  private static <T extends Throwable> T unchecked(Throwable e) throws T {
    throw (T) e;
  }
}
