package io.tensorarrow.spark.host;

import java.io.InterruptedIOException;
import java.net.SocketTimeoutException;
import java.nio.channels.ClosedByInterruptException;
import org.apache.spark.TaskContext;

/** Checks for interruption and task kill in long loops over files. */
public final class Interruption {
  private Interruption() {}

  /**
   * Throws if the work of this thread is no longer wanted.
   *
   * @throws InterruptedIOException if the thread is interrupted, or its task was killed: Spark does
   *     not interrupt threads unless it is told to
   */
  public static void check() throws InterruptedIOException {
    TaskContext task = TaskContext.get();
    if (Thread.currentThread().isInterrupted() || (task != null && task.isInterrupted())) {
      throw new InterruptedIOException("interrupted");
    }
  }

  /** Returns whether an exception says that the thread was interrupted. */
  public static boolean isCauseOf(Exception e) {
    // A file system that is too slow says so by a subclass.
    return e instanceof ClosedByInterruptException
        || (e instanceof InterruptedIOException && !(e instanceof SocketTimeoutException));
  }

  /**
   * Waits a while.
   *
   * @throws InterruptedIOException as {@link #check} does
   */
  static void sleep(long millis) throws InterruptedIOException {
    check();
    try {
      Thread.sleep(millis);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      check();
    }
  }
}
