package io.tensorarrow.spark.host;

import java.io.InterruptedIOException;
import java.util.Optional;

/**
 * A lock among the threads and class loaders of this process. A system property holds the lock, so
 * that all class loaders see it.
 */
public final class ProcessLock implements AutoCloseable {
  private static final String PROPERTY = "io.tensorarrow.lock:";
  private static final long POLL_MILLIS = 50;

  private final String property;

  private ProcessLock(String property) {
    this.property = property;
  }

  /**
   * Waits for the lock.
   *
   * @param name stands for what is locked; the thread that has it must not take it again
   * @return the lock, owned by the caller; any thread may close it
   * @throws InterruptedIOException if the thread is interrupted, or its task killed, while it waits
   */
  public static ProcessLock take(String name) throws InterruptedIOException {
    while (true) {
      Optional<ProcessLock> lock = tryTake(name);
      if (lock.isPresent()) {
        return lock.get();
      }
      Interruption.sleep(POLL_MILLIS);
    }
  }

  /** Takes the lock if it is free. */
  static Optional<ProcessLock> tryTake(String name) {
    String property = PROPERTY + name;
    return System.getProperties().putIfAbsent(property, "taken") == null
        ? Optional.of(new ProcessLock(property))
        : Optional.empty();
  }

  /** Releases the lock; to be called once. */
  @Override
  public void close() {
    System.getProperties().remove(property);
  }
}
