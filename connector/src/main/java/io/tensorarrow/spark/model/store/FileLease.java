package io.tensorarrow.spark.model.store;

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
final class FileLease implements AutoCloseable {
  /** Whether other processes may have it at the same time. */
  enum Mode {
    SHARED,
    EXCLUSIVE
  }

  private static final String PROPERTY = "io.tensorarrow.lease:";
  private static final long POLL_MILLIS = 50;

  private final String property;
  private final FileChannel channel;

  private FileLease(String property, FileChannel channel) {
    this.property = property;
    this.channel = channel;
  }

  /**
   * Waits for the lock.
   *
   * @param file the file that stands for it, made if need be
   * @throws java.io.InterruptedIOException if the thread is interrupted while it waits
   */
  static FileLease take(Path file, Mode mode) throws IOException {
    while (true) {
      Optional<FileLease> lease = tryTake(file, mode);
      if (lease.isPresent()) {
        return lease.get();
      }
      Interruption.sleep(POLL_MILLIS);
    }
  }

  /** Takes the lock if nobody has it. */
  static Optional<FileLease> tryTake(Path file, Mode mode) throws IOException {
    // The system's lock is the process's: to close a second channel would give up the first one's
    // lock. Class loaders share nothing but the JVM's own objects.
    String property = PROPERTY + file;
    if (System.getProperties().putIfAbsent(property, "taken") != null) {
      return Optional.empty();
    }
    FileLease lease = null;
    try {
      FileChannel channel =
          FileChannel.open(
              file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
      try {
        FileLock lock = channel.tryLock(0, Long.MAX_VALUE, mode == Mode.SHARED);
        lease = lock == null ? null : new FileLease(property, channel);
      } finally {
        if (lease == null) {
          channel.close();
        }
      }
    } finally {
      if (lease == null) {
        System.getProperties().remove(property);
      }
    }
    return Optional.ofNullable(lease);
  }

  /**
   * Notes, by the file's time, that what it stands for was used now. It writes through the channel
   * that holds the lock: to set the time by the file's name opens and closes the file, which gives
   * up every lock that the process has on it.
   */
  void touch() throws IOException {
    channel.write(ByteBuffer.allocate(1), 0);
  }

  @Override
  public void close() throws IOException {
    try {
      channel.close();
    } finally {
      System.getProperties().remove(property);
    }
  }
}
