package io.tensorarrow.spark.python.shm;

import io.tensorarrow.spark.options.ExecutorSettings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The segments of this process: created once, written by the JVM and read by workers many times.
 * The first touch of a page costs several times what a copy does, so segments are reused, the one
 * released last first.
 *
 * <p>A segment is leased for one batch. The worker writes a word into the segment when it has
 * dropped the last view of the batch, and the pool takes the segment back. Segments that were not
 * released when the task ends are closed and never used again.
 *
 * <p>Thread-safe. Owns its segments.
 */
public final class SegmentPool implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(SegmentPool.class);

  private static final SecureRandom RANDOM = new SecureRandom();

  /** How many sizes of segments there are from one power of two to the next. */
  private static final int STEPS_PER_DOUBLING = 4;

  static final long MIN_BYTES = 1 << 20;

  /** How long no segment is created in a file system that had no space. */
  private static final Duration PAUSE_WHEN_FULL = Duration.ofSeconds(5);

  private static final Duration MAX_TRIM_INTERVAL = Duration.ofSeconds(10);

  private final Path directory;
  private final long maxBytes;
  private final Duration idleTime;

  private final Set<SharedSegment> leased = new LinkedHashSet<>();
  private final Deque<SharedSegment> free = new ArrayDeque<>();

  /** Segments whose leases have ended while this process still reads them. */
  private final Set<SharedSegment> ending = new LinkedHashSet<>();

  private long bytes;
  private int nextId = 1;
  private long created;
  private long reused;
  private boolean warnedOfBytes;
  private boolean warnedOfSpace;
  private boolean closed;
  private long fullUntil = System.nanoTime();
  private @Nullable Thread trimmer;

  /**
   * Makes an empty pool.
   *
   * @param directory a directory on a file system in memory
   * @param maxBytes the most bytes of all segments together
   * @param idleTime how long a segment is kept that nobody uses
   */
  public SegmentPool(Path directory, long maxBytes, Duration idleTime) {
    this.directory = directory;
    this.maxBytes = maxBytes;
    this.idleTime = idleTime;
  }

  /**
   * Leases a segment; never waits for one.
   *
   * @param batchBytes how many bytes it must have behind its header
   * @param onRefusal called with the reason if there is none
   * @return a lease that this thread owns, or empty if there is none
   */
  public synchronized Optional<SegmentLease> lease(
      long batchBytes, Consumer<InlineReason> onRefusal) {
    collect();
    long size = sizeFor(SegmentLayout.HEADER_BYTES + batchBytes);
    for (Iterator<SharedSegment> segments = free.iterator(); segments.hasNext(); ) {
      SharedSegment segment = segments.next();
      // Twice the size at most: small batches must not use up the segments of large ones.
      if (segment.size() >= size && segment.size() <= 2 * size) {
        segments.remove();
        reused++;
        return Optional.of(lease(segment));
      }
    }
    while (size <= maxBytes && bytes + size > maxBytes && !free.isEmpty()) {
      discard(free.removeLast());
    }
    if (closed || size > Segment.MAX_BYTES || bytes + size > maxBytes) {
      warnOfBytes(size);
      onRefusal.accept(InlineReason.POOL_EXHAUSTED);
      return Optional.empty();
    }
    if (System.nanoTime() - fullUntil < 0) {
      onRefusal.accept(InlineReason.DIRECTORY_FULL);
      return Optional.empty();
    }
    try {
      // Filling the file system up to find that it is full would hurt its other users.
      if (Files.getFileStore(directory).getUsableSpace() < size) {
        throw new IOException("not enough space");
      }
      SharedSegment segment =
          new SharedSegment(nextId++, Segment.create(directory, size), RANDOM.nextLong());
      bytes += size;
      created++;
      startTrimming();
      return Optional.of(lease(segment));
    } catch (IOException e) {
      fullUntil = System.nanoTime() + PAUSE_WHEN_FULL.toNanos();
      warnOfSpace(size, e);
      onRefusal.accept(InlineReason.DIRECTORY_FULL);
      return Optional.empty();
    }
  }

  /**
   * Rounds a size up to a multiple of a quarter of the power of two below it. Batches of a query
   * differ a little in size, and segments of equal sizes can be reused for all of them; quarters
   * waste a fifth of the memory at most, where whole powers of two would waste half.
   */
  private static long sizeFor(long needed) {
    long step = Math.max(MIN_BYTES, Long.highestOneBit(needed)) / STEPS_PER_DOUBLING;
    return Math.max(MIN_BYTES, (needed + step - 1) / step * step);
  }

  private SegmentLease lease(SharedSegment segment) {
    leased.add(segment);
    return segment.lease();
  }

  /** Takes back the segments that workers have released. */
  private void collect() {
    for (Iterator<SharedSegment> segments = leased.iterator(); segments.hasNext(); ) {
      SharedSegment segment = segments.next();
      if (segment.isReleased()) {
        segments.remove();
        segment.markFree();
        free.addFirst(segment);
      }
    }
    if (closed) {
      free.forEach(this::discard);
      free.clear();
    }
  }

  private void warnOfBytes(long size) {
    if (!warnedOfBytes) {
      warnedOfBytes = true;
      LOG.warn(
          "Cannot lease a shared-memory segment of {} bytes: found {} bytes of segments, {} of them"
              + " leased, of the {} that {} and the largest segment, {} bytes, allow; batches go"
              + " through the socket where there is none",
          size,
          bytes,
          leased.stream().mapToLong(SharedSegment::size).sum(),
          maxBytes,
          ExecutorSettings.SHARED_MEMORY_BYTES.key(),
          Segment.MAX_BYTES);
    }
  }

  private void warnOfSpace(long size, IOException e) {
    if (!warnedOfSpace) {
      warnedOfSpace = true;
      LOG.warn(
          "Cannot make a shared-memory segment of {} bytes in {}: batches go through the socket"
              + " where there is none",
          size,
          directory,
          e);
    }
  }

  /**
   * Ends leases, however far their batches got: those that the worker released go back to the pool,
   * others are closed. Does nothing about leases that have ended before.
   */
  public synchronized void end(Iterable<SegmentLease> leases) {
    collect();
    for (SegmentLease lease : leases) {
      // A segment released early may be leased by another task by now, under another generation.
      if (lease.isCurrent() && leased.remove(lease.segment())) {
        if (lease.segment().isHeld()) {
          lease.segment().abandon();
          ending.add(lease.segment());
        } else {
          discard(lease.segment());
        }
      }
    }
  }

  /**
   * Keeps the segment of a lease as it is, whatever worker and task do, until {@link #endHold}:
   * this process is going to read it.
   */
  public synchronized void hold(SegmentLease lease) {
    lease.segment().hold();
  }

  /** Ends {@link #hold}; may be called by any thread. */
  public synchronized void endHold(SegmentLease lease) {
    lease.segment().endHold();
    if (ending.remove(lease.segment())) {
      discard(lease.segment());
    }
  }

  /** Closes segments that nobody has used for long. */
  synchronized void trim() {
    collect();
    long oldest = System.nanoTime() - idleTime.toNanos();
    List<SharedSegment> idle = new ArrayList<>();
    for (SharedSegment segment : free) {
      if (segment.freeSince() - oldest < 0) {
        idle.add(segment);
      }
    }
    free.removeAll(idle);
    idle.forEach(this::discard);
  }

  /** Starts the thread that closes idle segments; it ends when there are no segments. */
  private void startTrimming() {
    if (trimmer == null) {
      trimmer = new Thread(this::trimUntilEmpty, "tensorarrow-segments");
      trimmer.setDaemon(true);
      trimmer.setContextClassLoader(null);
      trimmer.start();
    }
  }

  private void trimUntilEmpty() {
    long pause =
        Math.max(1, Math.min(idleTime.dividedBy(2).toMillis(), MAX_TRIM_INTERVAL.toMillis()));
    do {
      try {
        Thread.sleep(pause);
      } catch (InterruptedException e) {
        LOG.debug("Trimming is not to be interrupted: it ends with the segments", e);
      }
      trim();
    } while (!stopIfEmpty());
  }

  private synchronized boolean stopIfEmpty() {
    if (bytes == 0) {
      trimmer = null;
    }
    return bytes == 0;
  }

  private void discard(SharedSegment segment) {
    bytes -= segment.size();
    segment.close();
  }

  /**
   * A snapshot of the pool.
   *
   * @param bytes the size of all segments
   * @param leased the number of segments that are leased or still read by this process
   * @param free the number of segments that can be leased
   * @param created the number of segments created so far
   * @param reused the number of leases of segments that existed
   */
  public record State(long bytes, int leased, int free, long created, long reused) {}

  public synchronized State state() {
    collect();
    return new State(bytes, leased.size() + ending.size(), free.size(), created, reused);
  }

  /**
   * Leases nothing from now on, and closes free segments; leased ones, which a thread may be
   * writing to, are closed when their leases end.
   */
  @Override
  public synchronized void close() {
    closed = true;
    collect();
  }
}
