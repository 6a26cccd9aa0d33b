package io.tensorarrow.spark.model.eager;

import static org.tensorflow.internal.c_api.global.tensorflow.TFE_CancellationManagerIsCancelled;
import static org.tensorflow.internal.c_api.global.tensorflow.TFE_CancellationManagerStartCancel;
import static org.tensorflow.internal.c_api.global.tensorflow.TFE_DeleteCancellationManager;
import static org.tensorflow.internal.c_api.global.tensorflow.TFE_NewCancellationManager;
import static org.tensorflow.internal.c_api.global.tensorflow.TFE_OpSetCancellationManager;

import io.tensorarrow.spark.errors.TensorArrowException;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.tensorflow.internal.c_api.TFE_CancellationManager;
import org.tensorflow.internal.c_api.TFE_Op;

/**
 * Ends what a killed task runs in TensorFlow. Spark does not notify native code of a kill, so a
 * watchdog thread polls the task while this is open, and cancels TensorFlow's call, which then
 * starts no further kernel. A kernel that runs long is not interrupted.
 *
 * <p>Happens at most once: what was cancelled stays cancelled. Owns TensorFlow's cancellation
 * manager, which serves any number of calls until one fails.
 *
 * <p>Thread-safe.
 */
final class Cancellation implements AutoCloseable {
  private static final long POLL_MILLIS = 100;
  private static final ScheduledThreadPoolExecutor WATCHDOG =
      DaemonTimers.timer("tensorarrow-watchdog");

  private final BooleanSupplier cancelRequested;
  private final ScheduledFuture<?> watch;
  private volatile boolean cancelled;

  /** Guarded by this, so that it is not deleted while the watchdog uses it. */
  private TFE_CancellationManager manager = TFE_NewCancellationManager();

  /** Guarded by this. */
  private boolean closed;

  /**
   * Starts asking whether to cancel.
   *
   * @param cancelRequested whether what runs must end; asked by another thread, several times a
   *     second
   */
  Cancellation(BooleanSupplier cancelRequested) {
    this.cancelRequested = cancelRequested;
    this.watch =
        WATCHDOG.scheduleWithFixedDelay(
            this::poll, POLL_MILLIS, POLL_MILLIS, TimeUnit.MILLISECONDS);
  }

  private synchronized void poll() {
    if (!closed && !cancelled && cancelRequested.getAsBoolean()) {
      cancelled = true;
      TFE_CancellationManagerStartCancel(manager);
    }
  }

  /** Lets this end an operation that is about to be executed. It must end before close. */
  synchronized void guard(TFE_Op op, TensorFlowStatus status) {
    if (TFE_CancellationManagerIsCancelled(manager) && !cancelled) {
      // An operation that fails cancels what it has begun by the same manager.
      TFE_DeleteCancellationManager(manager);
      manager = TFE_NewCancellationManager();
    }
    TFE_OpSetCancellationManager(op, manager, status.handle());
    status.check();
  }

  /**
   * Checks before an operation is made.
   *
   * @throws CancellationException if this was cancelled
   */
  void checkBefore(TensorFlowStatus status) {
    if (cancelled) {
      throw new CancellationException("Cannot " + status.action() + ": found its task killed");
    }
  }

  /**
   * Checks what an operation reported.
   *
   * @throws CancellationException if it failed and this was cancelled: what TensorFlow says then is
   *     of no interest
   * @throws TensorArrowException if it failed otherwise
   */
  void checkAfter(TensorFlowStatus status) {
    if (!status.isOk()) {
      checkBefore(status);
    }
    status.check();
  }

  /** Stops asking. Closing again does nothing. */
  @Override
  public synchronized void close() {
    if (!closed) {
      closed = true;
      watch.cancel(false);
      TFE_DeleteCancellationManager(manager);
    }
  }
}
