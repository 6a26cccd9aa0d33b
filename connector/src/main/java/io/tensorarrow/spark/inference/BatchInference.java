package io.tensorarrow.spark.inference;

import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.inference.InferenceSpec.InputBinding;
import io.tensorarrow.spark.inference.InferenceSpec.OutputBinding;
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
   * Prepares a task, without native calls.
   *
   * @param spec what to run; it must compute at least one output
   * @param batchSchema the columns of the batches to come
   */
  public BatchInference(InferenceSpec spec, StructType batchSchema) {
    this.spec = spec;
    this.inputs = new ArrayList<>();
    for (InputBinding binding : spec.inputs()) {
      FieldPath path = FieldPath.in(batchSchema, binding.column());
      InputFeeder feeder =
          InputFeeder.create(
              binding.tensor(), binding.column().toString(), path.type(), spec.elements().cast());
      List<String> parts = binding.tensor().parts().stream().map(TensorSpec::name).toList();
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
   *     the signature's batch is fixed, the last of them is repeated to fill it, and the outputs of
   *     these padding rows are discarded
   * @return one column of {@code rows.size()} rows for each output of the spec, in its order. The
   *     returned columns own their tensors' memory; the caller closes them
   * @throws TensorArrowException if the rows do not fit the signature, the model can't be loaded or
   *     fails, or its outputs do not fit the rows; nothing is left allocated then. An error of rows
   *     identifies them by their number in {@code batch}; file and split are added by the caller
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
    EagerCall eager = openCall();
    RowSelection fedRows = spec.batch().fixed() ? rows.paddedTo(spec.batch().rows()) : rows;
    Map<String, NativeTensor> inputTensors = new HashMap<>();
    try {
      long feedStart = System.nanoTime();
      for (Input input : inputs) {
        feed(input, batch, fedRows, inputTensors);
      }
      long runStart = System.nanoTime();
      counters.fed(
          inputTensors.values().stream().mapToLong(NativeTensor::byteSize).sum(),
          runStart - feedStart);
      List<NativeTensor> outputTensors = eager.run(inOrder(eager.feeds(), inputTensors));
      counters.ran(rows.size(), System.nanoTime() - runStart);
      return columns(outputTensors, fedRows, rows.size());
    } finally {
      inputTensors.values().forEach(NativeTensor::close);
    }
  }

  private static void feed(
      Input input,
      ColumnarBatch batch,
      RowSelection rows,
      Map<String, NativeTensor> tensorsByName) {
    List<NativeTensor> tensors = input.feeder().feed(input.path().vector(batch, rows), rows);
    for (int i = 0; i < tensors.size(); i++) {
      tensorsByName.put(input.parts().get(i), tensors.get(i));
    }
  }

  /**
   * Gives the model back. Columns that are still open keep their tensors, but must be closed before
   * this is called. Idempotent.
   */
  @Override
  public void close() {
    EagerCall lastCall = call;
    ModelLease lastLease = lease;
    closed = true;
    call = null;
    lease = null;
    try (allocator;
        lastLease;
        lastCall) {
      // Closed in reverse: the call, its lease, then the allocator, which complains about columns
      // left open.
    }
  }

  private List<ColumnVector> columns(
      List<NativeTensor> tensors, RowSelection fedRows, int resultRows) {
    List<ColumnVector> columns = new ArrayList<>(tensors.size());
    try {
      for (OutputBinding binding : spec.outputs()) {
        NativeTensor tensor = tensors.get(columns.size());
        columns.add(
            TensorColumns.wrap(
                tensor,
                binding.tensor(),
                binding.column(),
                fedRows.size(),
                resultRows,
                spec.elements().types(),
                allocator));
        counters.fetched(TensorColumns.sharedBytes(tensor, resultRows));
      }
      return columns;
    } catch (RuntimeException | Error e) {
      columns.forEach(ColumnVector::close);
      tensors.forEach(NativeTensor::close);
      if (e instanceof TensorArrowException error && error.row().isPresent()) {
        // An output's rows are numbered as they were fed.
        throw error.inRow(fedRows.at(error.row().getAsInt()));
      }
      throw e;
    }
  }

  private List<NativeTensor> inOrder(
      List<TensorSpec> order, Map<String, NativeTensor> tensorsByName) {
    List<NativeTensor> tensors = new ArrayList<>(order.size());
    for (TensorSpec spec : order) {
      NativeTensor tensor = tensorsByName.get(spec.name());
      if (tensor == null) {
        throw new IllegalStateException("no feed for tensor " + spec + " in " + this.spec);
      }
      tensors.add(tensor);
    }
    return tensors;
  }

  private EagerCall openCall() {
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
            spec.signature(),
            spec.outputs().stream().map(output -> output.tensor().name()).toList());
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
