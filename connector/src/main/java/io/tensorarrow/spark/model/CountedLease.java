package io.tensorarrow.spark.model;

import io.tensorarrow.spark.model.eager.EagerCall;
import io.tensorarrow.spark.model.eager.EagerFunction;
import io.tensorarrow.spark.model.eager.EagerModel;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;

/**
 * A lease that counts as one use of its model, as does each of its calls. The model stays loaded
 * until all of them are closed, in whatever order.
 *
 * <p>Thread-safe.
 */
final class CountedLease implements ModelLease {
  private static final AtomicLong LIVE = new AtomicLong();

  private final EagerModel model;
  private final Uses uses;
  private final BooleanSupplier cancelled;
  private final long loadNanos;

  /** Guarded by this. */
  private boolean closed;

  /** Counts the uses of one model. Thread-safe. */
  interface Uses {
    void begin();

    /** Ends a use; the model may be closed as soon as none is left. */
    void end();
  }

  /**
   * Makes a lease.
   *
   * @param model the model, borrowed
   * @param uses counts the lease's use as begun already; the lease ends it
   * @param cancelled whether the lease's calls must end; asked by any thread
   */
  CountedLease(EagerModel model, Uses uses, BooleanSupplier cancelled, long loadNanos) {
    this.model = model;
    this.uses = uses;
    this.cancelled = cancelled;
    this.loadNanos = loadNanos;
    LIVE.incrementAndGet();
  }

  /** Returns how many leases and calls of this class loader are not closed yet. */
  static long live() {
    return LIVE.get();
  }

  @Override
  public synchronized EagerCall newCall(String signature, List<String> fetches) {
    if (closed) {
      throw new IllegalStateException("lease is closed");
    }
    EagerFunction function = model.function(signature, fetches);
    EagerCall call;
    try {
      call = new EagerCall(model.context(), function, cancelled, () -> endCall(function));
    } catch (RuntimeException | Error e) {
      model.release(function);
      throw e;
    }
    uses.begin();
    LIVE.incrementAndGet();
    return call;
  }

  @Override
  public long loadNanos() {
    return loadNanos;
  }

  @Override
  public synchronized void close() {
    if (!closed) {
      closed = true;
      endUse();
    }
  }

  private void endCall(EagerFunction function) {
    try {
      model.release(function);
    } finally {
      endUse();
    }
  }

  private void endUse() {
    uses.end();
    LIVE.decrementAndGet();
  }
}
