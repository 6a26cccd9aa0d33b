package io.tensorarrow.spark.python.shm;

import io.tensorarrow.spark.options.ExecutorSettings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
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
 * The segments of this process: made once, written by the JVM and read by workers many times. First
 * touch costs several times what a copy does, so segments are kept, and the one used last is used
 * next.
 *
 * <p>A segment is lent for one batch. It comes back when the worker has dropped the last view of
 * the batch, which it tells by a word in the segment itself; what has not come back when the task
 * ends is closed and never used again.
 *
 * <p>Thread-safe. Owns its segments.
 */
public final class SegmentPool implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(SegmentPool.class);

  /** Sizes are rounded up, so that batches that differ a little share segments. */
  private static final int STEPS_PER_DOUBLING = 4;

  static final long LEAST_BYTES = 1 << 20;

  /** How long a file system without space is left alone. */
  private static final Duration PAUSE_WHEN_FULL = Duration.ofSeconds(5);

  private static final Duration LONGEST_BETWEEN_TRIMS = Duration.ofSeconds(10);

  private final Path directory;
  private final long mostBytes;
  private final Duration idleTime;

  private final Set<SharedSegment> lent = new LinkedHashSet<>();
  private final Deque<SharedSegment> free = new ArrayDeque<>();

  /** Of ended leases, but still read by this process. */
  private final Set<SharedSegment> ending = new LinkedHashSet<>();

  private long bytes;
  private int nextId = 1;
  private long created;
  private long reused;
  private boolean toldAboutBytes;
  private boolean toldAboutSpace;
  private boolean closed;
  private long fullUntil = System.nanoTime();
  private @Nullable Thread trimmer;

  /**
   * Makes an empty pool.
   *
   * @param directory a directory on a file system in memory
   * @param mostBytes the most bytes of all segments together
   * @param idleTime how long a segment is kept that nobody uses
   */
  public SegmentPool(Path directory, long mostBytes, Duration idleTime) {
    this.directory = directory;
    this.mostBytes = mostBytes;
    this.idleTime = idleTime;
  }

  /**
   * Lends a segment; never waits for one.
   *
   * @param needed how many bytes it must have for the batch
   * @param refused is told why there is none
   * @return a lease that this thread owns, or empty if there is none
   */
  public synchronized Optional<SegmentLease> lease(long needed, Consumer<InlineReason> refused) {
    collect();
    long size = sizeFor(SharedSegment.HEADER_BYTES + needed);
    for (Iterator<SharedSegment> each = free.iterator(); each.hasNext(); ) {
      SharedSegment segment = each.next();
      if (segment.size() >= size && segment.size() <= 2 * size) {
        each.remove();
        reused++;
        return Optional.of(lend(segment));
      }
    }
    while (size <= mostBytes && bytes + size > mostBytes && !free.isEmpty()) {
      discard(free.removeLast());
    }
    if (closed || size > Segment.MAX_BYTES || bytes + size > mostBytes) {
      tellAboutBytes(size);
      refused.accept(InlineReason.POOL_EXHAUSTED);
      return Optional.empty();
    }
    if (System.nanoTime() - fullUntil < 0) {
      refused.accept(InlineReason.DIRECTORY_FULL);
      return Optional.empty();
    }
    try {
      // Filling the file system up to find that it is full would hurt its other users.
      if (Files.getFileStore(directory).getUsableSpace() < size) {
        throw new IOException("not enough space");
      }
      SharedSegment segment = new SharedSegment(nextId++, Segment.create(directory, size));
      bytes += size;
      created++;
      startTrimming();
      return Optional.of(lend(segment));
    } catch (IOException e) {
      fullUntil = System.nanoTime() + PAUSE_WHEN_FULL.toNanos();
      tellAboutSpace(size, e);
      refused.accept(InlineReason.DIRECTORY_FULL);
      return Optional.empty();
    }
  }

  private static long sizeFor(long needed) {
    long step = Math.max(LEAST_BYTES, Long.highestOneBit(needed)) / STEPS_PER_DOUBLING;
    return Math.max(LEAST_BYTES, (needed + step - 1) / step * step);
  }

  private SegmentLease lend(SharedSegment segment) {
    lent.add(segment);
    return segment.lend();
  }

  /** Takes back the segments that workers have released. */
  private void collect() {
    for (Iterator<SharedSegment> each = lent.iterator(); each.hasNext(); ) {
      SharedSegment segment = each.next();
      if (segment.isReleased()) {
        each.remove();
        segment.markFree();
        free.addFirst(segment);
      }
    }
    if (closed) {
      free.forEach(this::discard);
      free.clear();
    }
  }

  private void tellAboutBytes(long size) {
    if (!toldAboutBytes) {
      toldAboutBytes = true;
      LOG.warn(
          "Cannot lend a shared-memory segment of {} bytes: found {} bytes of segments, {} of them"
              + " lent, of the {} that {} and the largest segment, {} bytes, allow; batches go"
              + " through the socket where there is none",
          size,
          bytes,
          lent.stream().mapToLong(SharedSegment::size).sum(),
          mostBytes,
          ExecutorSettings.SHARED_MEMORY_BYTES.key(),
          Segment.MAX_BYTES);
    }
  }

  private void tellAboutSpace(long size, IOException e) {
    if (!toldAboutSpace) {
      toldAboutSpace = true;
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
      // A segment released early may be lent to another task by now, under another generation.
      if (lease.isCurrent() && lent.remove(lease.segment())) {
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
   * Keeps the segment of a lease as it is, whatever worker and task do, until {@link #letGo}: this
   * process is going to read it.
   */
  public synchronized void hold(SegmentLease lease) {
    lease.segment().hold();
  }

  /** Ends what {@link #hold} began; any thread. */
  public synchronized void letGo(SegmentLease lease) {
    lease.segment().letGo();
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

  /** There is a thread as long as there are segments. */
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
        Math.max(1, Math.min(idleTime.dividedBy(2).toMillis(), LONGEST_BETWEEN_TRIMS.toMillis()));
    do {
      try {
        Thread.sleep(pause);
      } catch (InterruptedException e) {
        LOG.debug("Trimming is not to be interrupted: it ends with the segments", e);
      }
      trim();
    } while (!endedTrimming());
  }

  private synchronized boolean endedTrimming() {
    if (bytes == 0) {
      trimmer = null;
    }
    return bytes == 0;
  }

  private void discard(SharedSegment segment) {
    bytes -= segment.size();
    segment.close();
  }

  /** What the pool has, and has done. */
  public record State(long bytes, int lent, int free, long created, long reused) {}

  public synchronized State state() {
    collect();
    return new State(bytes, lent.size() + ending.size(), free.size(), created, reused);
  }

  /**
   * Lends nothing from now on, and closes what is not lent; what is lent, which a thread may be
   * writing to, is closed when its lease ends.
   */
  @Override
  public synchronized void close() {
    closed = true;
    collect();
  }
}
