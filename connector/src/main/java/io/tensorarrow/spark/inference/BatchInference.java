package io.tensorarrow.spark.inference;

import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.inference.InferenceSpec.Feed;
import io.tensorarrow.spark.inference.InferenceSpec.Fetch;
import io.tensorarrow.spark.model.ModelLease;
import io.tensorarrow.spark.model.eager.EagerCall;
import io.tensorarrow.spark.tensor.NativeTensor;
import io.tensorarrow.spark.tensor.TensorSpec;
import io.tensorarrow.spark.tensor.fetch.TensorColumns;
import io.tensorarrow.spark.tensor.vector.RowSelection;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.spark.TaskContext;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.util.ArrowUtils;
import org.apache.spark.sql.vectorized.ColumnVector;
import org.apache.spark.sql.vectorized.ColumnarBatch;
import org.jspecify.annotations.Nullable;

/**
 * Runs a model over the batches of one task.
 *
 * <p>The model is leased with the first batch, so a task without rows never loads it, and given
 * back by {@link #close}.
 *
 * <p>Belongs to one thread at a time, not always the same one.
 */
public final class BatchInference implements AutoCloseable {
  private final InferenceSpec spec;
  private final List<Input> inputs;
  private final InferenceCounters counters = new InferenceCounters();
  private final BufferAllocator allocator;
  private final @Nullable TaskContext task = TaskContext.get();

  private @Nullable ModelLease lease;
  private @Nullable EagerCall call;
  private boolean closed;

  /**
   * Where an input's values come from.
   *
   * @param parts the names of the dense tensors that it consists of
   */
  private record Input(List<String> parts, FieldPath path, InputFeeder feeder) {}

  /**
   * Prepares a task; nothing native happens yet.
   *
   * @param spec what to run; it must fetch at least one output
   * @param batchSchema the columns of the batches to come
   */
  public BatchInference(InferenceSpec spec, StructType batchSchema) {
    this.spec = spec;
    this.inputs = new ArrayList<>();
    for (Feed feed : spec.feeds()) {
      FieldPath path = FieldPath.in(batchSchema, feed.column());
      InputFeeder feeder =
          InputFeeder.create(feed.tensor(), feed.column().toString(), path.type(), spec.cast());
      List<String> parts = feed.tensor().parts().stream().map(TensorSpec::name).toList();
      inputs.add(new Input(parts, path, feeder));
    }
    // Last, since nothing would close it if the lines above failed.
    this.allocator =
        ArrowUtils.rootAllocator().newChildAllocator("tensorarrow inference", 0, Long.MAX_VALUE);
  }

  /** Returns what this task has done so far. */
  public InferenceCounters counters() {
    return counters;
  }

  /**
   * Runs the model once.
   *
   * @param batch the source's batch; read only during this call
   * @param rows which of its rows to run, at least one, at most the spec's {@code batchRows}. Where
   *     the signature's batch is fixed, the last of them is repeated to fill it, and what the model
   *     says of the repetitions is dropped
   * @return one column of {@code rows.size()} rows for each fetch of the spec, in its order. The
   *     returned columns own their tensors' memory; the caller closes them
   * @throws TensorArrowException if the rows do not fit the signature, the model can't be loaded or
   *     fails, or its outputs do not fit the rows; nothing is left allocated then. A fault of rows
   *     tells them by their number in {@code batch} and leaves open where that is
   * @throws org.apache.spark.TaskKilledException if the task in which this was made is killed
   *     before or meanwhile; nothing is left allocated then either
   * @throws CancellationException if that task has completed; nothing is left allocated then either
   * @throws IllegalStateException after close
   */
  public List<ColumnVector> run(ColumnarBatch batch, RowSelection rows) {
    try {
      return runUnlessKilled(batch, rows);
    } catch (CancellationException e) {
      if (task != null) {
        task.killTaskIfInterrupted();
      }
      throw e;
    }
  }

  private List<ColumnVector> runUnlessKilled(ColumnarBatch batch, RowSelection rows) {
    EagerCall eager = eagerCall();
    RowSelection fed = spec.fixedBatch() ? rows.paddedTo(spec.batchRows()) : rows;
    Map<String, NativeTensor> feeds = new HashMap<>();
    try {
      long start = System.nanoTime();
      for (Input input : inputs) {
        feed(input, batch, fed, feeds);
      }
      long run = System.nanoTime();
      counters.fed(feeds.values().stream().mapToLong(NativeTensor::byteSize).sum(), run - start);
      List<NativeTensor> fetched = eager.run(inOrder(eager.feeds(), feeds));
      counters.ran(rows.size(), System.nanoTime() - run);
      return columns(fetched, fed, rows.size());
    } finally {
      feeds.values().forEach(NativeTensor::close);
    }
  }

  private static void feed(
      Input input, ColumnarBatch batch, RowSelection rows, Map<String, NativeTensor> feeds) {
    List<NativeTensor> tensors = input.feeder().feed(input.path().vector(batch, rows), rows);
    for (int i = 0; i < tensors.size(); i++) {
      feeds.put(input.parts().get(i), tensors.get(i));
    }
  }

  /**
   * Gives the model back. Columns that are still open keep their tensors, but must be closed before
   * this is called. Idempotent.
   */
  @Override
  public void close() {
    EagerCall openCall = call;
    ModelLease openLease = lease;
    closed = true;
    call = null;
    lease = null;
    try (allocator;
        openLease;
        openCall) {
      // Closed in reverse: the call, its lease, then the allocator, which complains about columns
      // left open.
    }
  }

  private List<ColumnVector> columns(List<NativeTensor> fetched, RowSelection fed, int kept) {
    List<ColumnVector> columns = new ArrayList<>(fetched.size());
    try {
      for (Fetch fetch : spec.fetches()) {
        NativeTensor tensor = fetched.get(columns.size());
        columns.add(
            TensorColumns.wrap(
                tensor, fetch.tensor(), fetch.column(), fed.size(), kept, spec.types(), allocator));
        counters.fetched(TensorColumns.sharedBytes(tensor, kept));
      }
      return columns;
    } catch (RuntimeException | Error e) {
      columns.forEach(ColumnVector::close);
      fetched.forEach(NativeTensor::close);
      if (e instanceof TensorArrowException fault && fault.row().isPresent()) {
        // An output's rows are numbered as they were fed.
        throw fault.inRow(fed.at(fault.row().getAsInt()));
      }
      throw e;
    }
  }

  private List<NativeTensor> inOrder(List<TensorSpec> wanted, Map<String, NativeTensor> feeds) {
    List<NativeTensor> ordered = new ArrayList<>(wanted.size());
    for (TensorSpec tensor : wanted) {
      NativeTensor feed = feeds.get(tensor.name());
      if (feed == null) {
        throw new IllegalStateException("no feed for tensor " + tensor + " in " + spec);
      }
      ordered.add(feed);
    }
    return ordered;
  }

  private EagerCall eagerCall() {
    EagerCall open = call;
    if (open != null) {
      return open;
    }
    if (closed) {
      throw new IllegalStateException("inference is closed");
    }
    ModelLease newLease = ExecutorModels.acquire(spec, this::isOver);
    lease = newLease;
    counters.loaded(newLease.loadNanos());
    open =
        newLease.newCall(
            spec.signature(), spec.fetches().stream().map(f -> f.tensor().name()).toList());
    call = open;
    return open;
  }

  /**
   * Whether nobody waits for results any more. A task may also complete while another thread, as
   * that which feeds Python, still runs the model for it.
   */
  private boolean isOver() {
    return task != null && (task.isInterrupted() || task.isCompleted());
  }
}
