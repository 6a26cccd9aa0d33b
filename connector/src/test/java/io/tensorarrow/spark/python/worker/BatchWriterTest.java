package io.tensorarrow.spark.python.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tensorarrow.spark.columnar.ScalaLists;
import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.options.Handover;
import io.tensorarrow.spark.python.shm.SharedMemory;
import io.tensorarrow.spark.testing.SparkTestBase;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.Socket;
import java.util.List;
import java.util.function.Consumer;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.BigIntVector;
import org.apache.spark.SparkEnv;
import org.apache.spark.TaskContext;
import org.apache.spark.TaskContext$;
import org.apache.spark.api.python.ChainedPythonFunctions;
import org.apache.spark.api.python.PythonEvalType;
import org.apache.spark.api.python.PythonFunction;
import org.apache.spark.api.python.SimplePythonFunction;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.util.ArrowUtils;
import org.apache.spark.sql.vectorized.ArrowColumnVector;
import org.apache.spark.sql.vectorized.ColumnVector;
import org.apache.spark.sql.vectorized.ColumnarBatch;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import scala.Option;
import scala.collection.Iterator;
import scala.collection.JavaConverters;
import scala.collection.immutable.Map$;

/** Tasks whose writing thread fails. */
class BatchWriterTest extends SparkTestBase {
  private static final StructType INPUT = new StructType().add("id", "bigint", false);

  /** More than what goes through the socket. */
  private static final int ROWS = EnvelopeSink.INLINE_BYTES / Long.BYTES;

  private static PythonCall call() {
    PythonFunction function =
        new SimplePythonFunction(
            new byte[0], java.util.Map.of(), List.of(), "python3", "3", List.of(), null);
    return new PythonCall(
        List.of(new ChainedPythonFunctions(ScalaLists.of(List.of(function)))),
        List.of(),
        PythonEvalType.SQL_MAP_ARROW_ITER_UDF(),
        Handover.AUTO,
        new WireSchema(INPUT, ColumnForms.SPARK, INPUT),
        new WorkerSettings("UTC", false, ROWS, Map$.MODULE$.empty(), Option.empty()),
        PythonMetrics.create(spark().sparkContext()));
  }

  /** A stream to a worker in a JVM whose heap is full as soon as a segment has been filled. */
  private static final class FullHeap extends OutputStream {
    @Override
    public void write(int oneByte) {
      if (SharedMemory.leasedSegments() > 0) {
        throw new OutOfMemoryError("on purpose");
      }
    }
  }

  /** An executor's environment, with this process's parts. */
  private static SparkEnv executorEnv() {
    SparkEnv env = SparkEnv.get();
    return new SparkEnv(
        "1",
        env.rpcEnv(),
        env.serializer(),
        env.closureSerializer(),
        env.serializerManager(),
        env.mapOutputTracker(),
        env.shuffleManager(),
        env.broadcastManager(),
        env.blockManager(),
        env.securityManager(),
        env.metricsSystem(),
        env.memoryManager(),
        env.outputCommitCoordinator(),
        env.conf());
  }

  /** Has a writer fail in the moment between the filling of a segment and its handle. */
  private static void failBeforeSending(SparkEnv env, Consumer<ThrowingCallable> check)
      throws IOException {
    PythonCall call = call();
    TaskContext task = TaskContext$.MODULE$.empty();
    try (BufferAllocator allocator =
            ArrowUtils.rootAllocator().newChildAllocator("test", 0, Long.MAX_VALUE);
        BigIntVector ids = new BigIntVector("id", allocator);
        Socket socket = new Socket()) {
      ids.allocateNew(ROWS);
      ids.setValueCount(ROWS);
      ColumnarBatch batch =
          new ColumnarBatch(new ColumnVector[] {new ArrowColumnVector(ids)}, ROWS);
      Iterator<ColumnarBatch> batches = JavaConverters.asScalaIterator(List.of(batch).iterator());
      BatchWriter writer =
          new BatchWriter(new ColumnarPythonRunner(call), call, env, socket, batches, 0, task);
      try {
        check.accept(() -> writer.writeIteratorToStream(new DataOutputStream(new FullHeap())));
        assertThat(SharedMemory.leasedSegments()).isOne();
      } finally {
        task.markTaskCompleted(Option.empty());
      }
      assertThat(SharedMemory.leasedSegments()).isZero();
    }
  }

  @Test
  void outOfMemoryBeforeSendingFailsTaskOfDriver() throws IOException {
    failBeforeSending(
        SparkEnv.get(),
        writing ->
            assertThatThrownBy(writing)
                .isInstanceOfSatisfying(
                    TensorArrowException.class,
                    e -> assertThat(e.code()).isEqualTo(ErrorCode.TA_HANDOVER))
                .hasMessageContaining("found java.lang.OutOfMemoryError: on purpose")
                .hasMessageContaining("spark.driver.memory")
                .hasNoCause()
                .hasSuppressedException(new OutOfMemoryError("on purpose")));
  }

  @Test
  void outOfMemoryBeforeSendingEndsExecutor() throws IOException {
    failBeforeSending(
        executorEnv(), writing -> assertThatThrownBy(writing).isInstanceOf(OutOfMemoryError.class));
  }
}
