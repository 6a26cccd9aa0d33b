package io.tensorarrow.spark.model;

import io.tensorarrow.spark.errors.TensorArrowException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * One attempt to load a value. One thread makes it, others wait for its outcome:
 *
 * <pre>
 *   loading --- publish -----> loaded      every waiting thread gets the value
 *      |
 *      +------- exception ---> failed      every waiting thread throws it, with its own stack trace
 *      |
 *      +------- task killed -> abandoned   one of the waiting threads has to make a new attempt
 * </pre>
 *
 * <p>Thread-safe. One thread calls {@link #run}, once; the others see the outcome after it has
 * ended, not earlier.
 */
final class LoadOnce<V> {
  private static final long POLL_MILLIS = 100;

  private final CountDownLatch ended = new CountDownLatch(1);
  private volatile @Nullable V value;
  private volatile @Nullable TensorArrowException failure;

  /**
   * Makes the attempt in this thread.
   *
   * @param attempt loads the value and passes it to {@link #publish}. If it fails after that, the
   *     value stays the outcome for the waiting threads
   * @param isAbandoned whether an exception is that of a killed task and says nothing about the
   *     value
   * @param asFailure turns any other exception into the one to throw, here and in the waiting
   *     threads; called at most once
   * @return what the attempt returned
   */
  <R> R run(
      Supplier<R> attempt,
      Predicate<RuntimeException> isAbandoned,
      Function<Throwable, TensorArrowException> asFailure) {
    try {
      return attempt.get();
    } catch (RuntimeException e) {
      if (isAbandoned.test(e)) {
        throw e;
      }
      throw fail(asFailure.apply(e));
    } catch (Error e) {
      fail(asFailure.apply(e));
      throw e;
    } finally {
      ended.countDown();
    }
  }

  private TensorArrowException fail(TensorArrowException exception) {
    failure = exception;
    return exception;
  }

  /** Sets the value; to be called by the attempt. */
  void publish(V loaded) {
    value = loaded;
  }

  /** Returns the value, or null before it is published; does not wait. */
  @Nullable V value() {
    return value;
  }

  /**
   * Waits until the attempt has ended.
   *
   * @param cancelled whether this thread must stop waiting; asked several times a second
   * @return false if {@code cancelled} became true first
   */
  boolean await(BooleanSupplier cancelled) throws InterruptedException {
    while (!ended.await(POLL_MILLIS, TimeUnit.MILLISECONDS)) {
      if (cancelled.getAsBoolean()) {
        return false;
      }
    }
    return true;
  }

  /**
   * Returns the outcome of an attempt that has ended.
   *
   * @return the value, or null if the attempt was abandoned
   * @throws TensorArrowException if the attempt failed
   */
  @Nullable V outcome() {
    V loaded = value;
    TensorArrowException failed = failure;
    if (loaded == null && failed != null) {
      throw failed.again();
    }
    return loaded;
  }
}
