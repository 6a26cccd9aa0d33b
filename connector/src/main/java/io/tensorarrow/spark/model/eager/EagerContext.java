package io.tensorarrow.spark.model.eager;

import static org.tensorflow.internal.c_api.global.tensorflow.TFE_ContextAddFunction;
import static org.tensorflow.internal.c_api.global.tensorflow.TFE_ContextAddFunctionDef;
import static org.tensorflow.internal.c_api.global.tensorflow.TFE_ContextOptionsSetConfig;
import static org.tensorflow.internal.c_api.global.tensorflow.TFE_ContextRemoveFunction;
import static org.tensorflow.internal.c_api.global.tensorflow.TFE_DeleteContext;
import static org.tensorflow.internal.c_api.global.tensorflow.TFE_DeleteContextOptions;
import static org.tensorflow.internal.c_api.global.tensorflow.TFE_DeleteOp;
import static org.tensorflow.internal.c_api.global.tensorflow.TFE_Execute;
import static org.tensorflow.internal.c_api.global.tensorflow.TFE_NewContext;
import static org.tensorflow.internal.c_api.global.tensorflow.TFE_NewContextOptions;
import static org.tensorflow.internal.c_api.global.tensorflow.TFE_NewOp;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_DeleteFunction;

import io.tensorarrow.spark.errors.TensorArrowException;
import java.util.concurrent.atomic.AtomicInteger;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.PointerPointer;
import org.bytedeco.javacpp.PointerScope;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.tensorflow.internal.c_api.TFE_Context;
import org.tensorflow.internal.c_api.TFE_ContextOptions;
import org.tensorflow.internal.c_api.TFE_Op;
import org.tensorflow.internal.c_api.TFE_TensorHandle;
import org.tensorflow.internal.c_api.TF_Function;
import org.tensorflow.proto.ConfigProto;
import org.tensorflow.proto.FunctionDef;

/**
 * Where eager functions live and run: threads, variables and tables of one model. Models never
 * share one, since variables of equal names would be one variable. Owns the native context.
 *
 * <p>Functions may be run by several threads at once; closing is up to one of them, when no other
 * uses it any more.
 */
public final class EagerContext implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(EagerContext.class);
  private static final AtomicInteger LIVE = new AtomicInteger();

  /** TensorFlow belongs to the process, whichever class loader uses it; so must this. */
  private static final String POOL = "io.tensorarrow.threads";

  /** Makes TensorFlow give each context a pool of its own. */
  private static final String OWN_POOLS = "TF_OVERRIDE_GLOBAL_THREADPOOL";

  private final TFE_Context context;
  private boolean closed;

  /**
   * Opens a context.
   *
   * @throws TensorArrowException if TensorFlow can't
   */
  EagerContext(ModelSettings settings, TensorFlowStatus status) {
    warnOfPool(settings.threads());
    ConfigProto config = config(settings);
    TFE_ContextOptions options = TFE_NewContextOptions();
    try (NativeProto bytes = new NativeProto(config)) {
      TFE_ContextOptionsSetConfig(options, bytes.pointer(), bytes.size(), status.handle());
      status.check();
      context = TFE_NewContext(options, status.handle());
      status.check();
      LIVE.incrementAndGet();
    } finally {
      TFE_DeleteContextOptions(options);
    }
  }

  private static void warnOfPool(int threads) {
    Object first = System.getProperties().putIfAbsent(POOL, String.valueOf(threads));
    String ownPools = System.getenv(OWN_POOLS);
    if (first != null
        && !first.equals(String.valueOf(threads))
        && (ownPools == null || ownPools.equals("0") || ownPools.equals("false"))) {
      LOG.warn(
          "Operations use {} threads, as the first model of this process asked for; expected {} as"
              + " this one asks for (set {}=1 in the environment of the executors, and each model"
              + " gets threads of its own)",
          first,
          threads,
          OWN_POOLS);
    }
  }

  /**
   * TensorFlow's idle threads would wait for the next call in a loop, on cores that the executor's
   * tasks need: this call's own thread among them, which made small batches up to twice as slow.
   */
  private static ConfigProto config(ModelSettings settings) {
    return ConfigProto.newBuilder()
        .setIntraOpParallelismThreads(settings.threads())
        .setInterOpParallelismThreads(settings.operations())
        .setAllowSoftPlacement(true)
        .setExperimental(ConfigProto.Experimental.newBuilder().setDisableThreadSpinning(true))
        .build();
  }

  /** Returns how many contexts of this class loader are not closed yet, for leak tests. */
  public static int live() {
    return LIVE.get();
  }

  /** Returns the native context, borrowed until close. */
  TFE_Context handle() {
    if (closed) {
      throw new IllegalStateException("context is closed");
    }
    return context;
  }

  /** Makes a function of the model's library known. */
  void add(FunctionDef function, TensorFlowStatus status) {
    try (NativeProto bytes = new NativeProto(function)) {
      TFE_ContextAddFunctionDef(handle(), bytes.pointer(), bytes.size(), status.handle());
      status.check();
    }
  }

  /**
   * Makes a function known.
   *
   * @param function the function, which is taken over and deleted
   */
  void add(TF_Function function, TensorFlowStatus status) {
    try {
      TFE_ContextAddFunction(handle(), function, status.handle());
      status.check();
    } finally {
      TF_DeleteFunction(function);
    }
  }

  /**
   * Forgets a function, and frees what TensorFlow made of it.
   *
   * @param function the name of a function that no one runs
   */
  void remove(String function, TensorFlowStatus status) {
    try (BytePointer name = new BytePointer(function)) {
      TFE_ContextRemoveFunction(handle(), name, status.handle());
      status.check();
    }
  }

  /**
   * Runs a function that has neither inputs nor outputs.
   *
   * @throws java.util.concurrent.CancellationException if it was cancelled
   */
  void run(String function, Cancellation cancellation, TensorFlowStatus status) {
    cancellation.checkBefore(status);
    try (PointerScope scope = new PointerScope()) {
      TFE_Op op = TFE_NewOp(handle(), new BytePointer(function), status.handle());
      status.check();
      try {
        cancellation.guard(op, status);
        PointerPointer<TFE_TensorHandle> none = new PointerPointer<>(1);
        IntPointer count = new IntPointer(1).put(0);
        TFE_Execute(op, none, count, status.handle());
        cancellation.checkAfter(status);
      } finally {
        TFE_DeleteOp(op);
      }
    }
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      TFE_DeleteContext(context);
      LIVE.decrementAndGet();
    }
  }
}
