package io.tensorarrow.spark.python;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import org.apache.spark.TaskContext;
import org.apache.spark.TaskKilledException;

/**
 * The segments that one task has lent to its worker.
 *
 * <p>The writing thread takes leases; the task's thread ends them all when that thread has ended.
 */
final class TaskLeases implements AutoCloseable {
  /** Batches on their way: the worker has one while the next is being written. */
  private static final int WINDOW = 2;

  private static final long SHORTEST_PAUSE_NANOS = 20_000;
  private static final long LONGEST_PAUSE_NANOS = 1_000_000;

  private final Optional<SegmentPool> pool;
  private final TaskContext task;
  private final HandoverCounters counters;
  private final Deque<SegmentLease> unseen = new ArrayDeque<>();
  private final List<SegmentLease> all = new ArrayList<>();

  TaskLeases(Optional<SegmentPool> pool, TaskContext task, HandoverCounters counters) {
    this.pool = pool;
    this.task = task;
    this.counters = counters;
  }

  /**
   * Waits until the worker has asked for all but one of the batches that it was sent. It does not
   * wait for views to be dropped: a function that keeps them all would wait for itself.
   *
   * @throws TaskKilledException if the task ends meanwhile
   */
  void awaitTurn() {
    long start = System.nanoTime();
    long pause = SHORTEST_PAUSE_NANOS;
    while (countUnseen() >= WINDOW) {
      LockSupport.parkNanos(pause);
      pause = Math.min(2 * pause, LONGEST_PAUSE_NANOS);
      if (Thread.interrupted() || task.isCompleted() || task.isInterrupted()) {
        throw new TaskKilledException("the task ended while its worker was at a batch");
      }
    }
    counters.waited(System.nanoTime() - start);
  }

  private int countUnseen() {
    unseen.removeIf(SegmentLease::isSeen);
    return unseen.size();
  }

  /** Takes a segment; empty if none can be had. */
  synchronized Optional<SegmentLease> lease(long bytes) {
    if (pool.isEmpty()) {
      counters.unshared(Unshared.NO_SHARED_MEMORY);
      return Optional.empty();
    }
    Optional<SegmentLease> lease = pool.get().lease(bytes, counters::unshared);
    lease.ifPresent(unseen::add);
    lease.ifPresent(counters::leased);
    all.removeIf(each -> !each.isCurrent());
    lease.ifPresent(all::add);
    return lease;
  }

  /** Ends all leases; the writing thread must have ended. */
  @Override
  public synchronized void close() {
    pool.ifPresent(segments -> segments.end(all));
    all.clear();
  }
}
