package io.tensorarrow.spark.host;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;

/**
 * A lock among the processes of a host, and among the threads and class loaders of each. The system
 * ends it with the process, however that dies.
 */
public final class HostLock implements AutoCloseable {
  /** Whether other processes may have it at the same time. */
  public enum Mode {
    SHARED,
    EXCLUSIVE
  }

  private static final long POLL_MILLIS = 50;

  private final ProcessLock processLock;
  private final FileChannel channel;

  private HostLock(ProcessLock processLock, FileChannel channel) {
    this.processLock = processLock;
    this.channel = channel;
  }

  /**
   * Waits for the lock.
   *
   * @param file the file that stands for it, made if need be
   * @throws java.io.InterruptedIOException if the thread is interrupted, or its task killed, while
   *     it waits
   * @throws IOException if the file can't be made or locked
   */
  public static HostLock take(Path file, Mode mode) throws IOException {
    while (true) {
      Optional<HostLock> lock = tryTake(file, mode);
      if (lock.isPresent()) {
        return lock.get();
      }
      Interruption.sleep(POLL_MILLIS);
    }
  }

  /**
   * Takes the lock if it is free.
   *
   * @throws IOException if the file can't be made or locked
   */
  public static Optional<HostLock> tryTake(Path file, Mode mode) throws IOException {
    // The system's lock is the process's: to close a second channel would give up the first one's
    // lock.
    ProcessLock processLock = ProcessLock.tryTake(file.toString()).orElse(null);
    if (processLock == null) {
      return Optional.empty();
    }
    HostLock taken = null;
    try {
      FileChannel channel =
          FileChannel.open(
              file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
      try {
        FileLock lock = channel.tryLock(0, Long.MAX_VALUE, mode == Mode.SHARED);
        taken = lock == null ? null : new HostLock(processLock, channel);
      } finally {
        if (taken == null) {
          channel.close();
        }
      }
    } finally {
      if (taken == null) {
        processLock.close();
      }
    }
    return Optional.ofNullable(taken);
  }

  /**
   * Sets the lock file's modification time, to mark the last use. It writes through the channel
   * that holds the lock: to set the time by the file's name opens and closes the file, which gives
   * up every lock that the process has on it.
   */
  public void touch() throws IOException {
    channel.write(ByteBuffer.allocate(1), 0);
  }

  /** Releases the lock; to be called once. */
  @Override
  public void close() throws IOException {
    try (processLock) {
      channel.close();
    }
  }
}
