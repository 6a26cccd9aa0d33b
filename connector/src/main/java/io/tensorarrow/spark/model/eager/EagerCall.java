package io.tensorarrow.spark.model.eager;

import static org.tensorflow.internal.c_api.global.tensorflow.TFE_DeleteOp;
import static org.tensorflow.internal.c_api.global.tensorflow.TFE_DeleteTensorHandle;
import static org.tensorflow.internal.c_api.global.tensorflow.TFE_Execute;
import static org.tensorflow.internal.c_api.global.tensorflow.TFE_NewOp;
import static org.tensorflow.internal.c_api.global.tensorflow.TFE_NewTensorHandle;
import static org.tensorflow.internal.c_api.global.tensorflow.TFE_OpAddInput;
import static org.tensorflow.internal.c_api.global.tensorflow.TFE_OpSetAttrString;
import static org.tensorflow.internal.c_api.global.tensorflow.TFE_TensorHandleResolve;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.tensor.DType;
import io.tensorarrow.spark.tensor.NativeTensor;
import io.tensorarrow.spark.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.function.BooleanSupplier;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.PointerPointer;
import org.tensorflow.internal.c_api.TFE_Op;
import org.tensorflow.internal.c_api.TFE_TensorHandle;
import org.tensorflow.internal.c_api.TF_Tensor;

/**
 * Runs a signature of a loaded model, again and again. Native scratch memory is allocated once and
 * freed by close; the model stays loaded until then.
 *
 * <p>A call belongs to one thread at a time. Closing it while it runs waits for the end of the run.
 */
public final class EagerCall implements AutoCloseable {
  private final EagerContext context;
  private final EagerFunction function;
  private final Cancellation cancellation;
  private final Runnable release;
  private final TensorFlowStatus status;
  private final BytePointer name;
  private final BytePointer configKey = new BytePointer("config_proto");
  private final BytePointer config = new BytePointer(1);
  private final PointerPointer<TFE_TensorHandle> results;
  private final IntPointer resultCount = new IntPointer(1);
  private boolean closed;

  /**
   * Makes a call.
   *
   * @param context where the function runs; it must stay open until {@code release} runs
   * @param function the function to run
   * @param cancelled whether runs must end; asked by another thread, several times a second
   * @param release run once, by close
   */
  public EagerCall(
      EagerContext context, EagerFunction function, BooleanSupplier cancelled, Runnable release) {
    this.context = context;
    this.function = function;
    this.release = release;
    this.status = new TensorFlowStatus(ErrorCode.TA_MODEL_RUN, function.action());
    this.name = new BytePointer(function.name());
    this.results = new PointerPointer<>(Math.max(1, function.fetches().size()));
    // Last, since the watchdog would keep it if the lines above failed.
    this.cancellation = new Cancellation(cancelled);
  }

  /** Returns the signature's inputs in the order in which {@link #run} wants them. */
  public List<TensorSpec> feeds() {
    return function.feeds();
  }

  /**
   * Returns the outputs in the order in which they were asked for and {@link #run} returns them.
   */
  public List<TensorSpec> fetches() {
    return function.fetches();
  }

  /**
   * Runs the model once. Neither shapes of feeds nor of results are checked against the signature.
   *
   * @param feeds one tensor per input, borrowed: they stay the caller's, may be closed once this
   *     returns and are not written to
   * @return one tensor per output, owned by the caller; one may share memory with a feed, which
   *     then lives until both are closed. Later calls do not change it, but strings, where the user
   *     allows operations that write over tensors
   * @throws TensorArrowException with {@link ErrorCode#TA_INPUT_TYPE} if a feed has another dtype
   *     than its input, with {@link ErrorCode#TA_MODEL_RUN} if the model fails; no tensor is left
   *     behind then
   * @throws CancellationException if the task was killed before or meanwhile; nothing is left
   *     behind then either, and the model still serves other tasks
   * @throws IllegalStateException after close
   */
  public synchronized List<NativeTensor> run(List<NativeTensor> feeds) {
    if (closed) {
      throw new IllegalStateException("call is closed: " + function.name());
    }
    requireFeeds(feeds);
    cancellation.checkBefore(status);
    TFE_Op op = TFE_NewOp(context.handle(), name, status.handle());
    status.check();
    try {
      for (NativeTensor feed : feeds) {
        addInput(op, feed);
      }
      // Without this attribute TensorFlow does not fuse operations; an empty proto is enough.
      TFE_OpSetAttrString(op, configKey, config, 0);
      cancellation.guard(op, status);
      resultCount.put(function.fetches().size());
      TFE_Execute(op, results, resultCount, status.handle());
      cancellation.checkAfter(status);
      return takeResults();
    } finally {
      TFE_DeleteOp(op);
    }
  }

  private void requireFeeds(List<NativeTensor> feeds) {
    List<TensorSpec> specs = function.feeds();
    if (feeds.size() != specs.size()) {
      throw new IllegalArgumentException(
          "Cannot %s: found %d feeds; expected %d"
              .formatted(function.action(), feeds.size(), specs.size()));
    }
    for (int i = 0; i < specs.size(); i++) {
      if (feeds.get(i).dtype() != specs.get(i).dtype()) {
        throw TensorArrowException.cannot(ErrorCode.TA_INPUT_TYPE, "%s", function.action())
            .found("%s", feeds.get(i))
            .expected("%s as the feed", specs.get(i));
      }
    }
  }

  private void addInput(TFE_Op op, NativeTensor feed) {
    TFE_TensorHandle handle = TFE_NewTensorHandle(feed.handle(), status.handle());
    status.check();
    try {
      TFE_OpAddInput(op, handle, status.handle());
      status.check();
    } finally {
      TFE_DeleteTensorHandle(handle);
    }
  }

  private List<NativeTensor> takeResults() {
    int count = function.fetches().size();
    List<NativeTensor> tensors = new ArrayList<>(count);
    int taken = 0;
    try {
      while (taken < count) {
        TFE_TensorHandle handle = results.get(TFE_TensorHandle.class, taken);
        taken++;
        tensors.add(take(handle));
      }
      return tensors;
    } catch (RuntimeException | Error e) {
      tensors.forEach(NativeTensor::close);
      for (int i = taken; i < count; i++) {
        TFE_DeleteTensorHandle(results.get(TFE_TensorHandle.class, i));
      }
      throw e;
    }
  }

  private NativeTensor take(TFE_TensorHandle handle) {
    TF_Tensor tensor;
    try {
      tensor = TFE_TensorHandleResolve(handle, status.handle());
      status.check();
    } finally {
      TFE_DeleteTensorHandle(handle);
    }
    NativeTensor result = NativeTensor.adopt(tensor);
    // Strings are copied anyway, before the next call.
    if (!function.mayOverwrite() || result.dtype() == DType.STRING) {
      return result;
    }
    try (result) {
      return result.copy();
    }
  }

  /** Frees the scratch memory and lets go of the model. Closing again does nothing. */
  @Override
  public synchronized void close() {
    if (!closed) {
      closed = true;
      cancellation.close();
      status.close();
      name.close();
      configKey.close();
      config.close();
      results.close();
      resultCount.close();
      release.run();
    }
  }
}
