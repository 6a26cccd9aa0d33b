package io.tensorarrow.spark.python.worker;

import io.tensorarrow.spark.python.shm.InlineReason;
import io.tensorarrow.spark.python.shm.SegmentLease;
import io.tensorarrow.spark.python.shm.SegmentPool;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import org.apache.spark.TaskContext;
import org.apache.spark.TaskKilledException;
import org.apache.spark.sql.types.StructField;

/**
 * The segments that one task has leased for its worker.
 *
 * <p>The writing thread takes leases, the task's thread takes back what was changed in place; it
 * ends all leases when the writing thread has ended.
 */
final class TaskLeases implements AutoCloseable {
  /** Batches that may be sent but not seen: the worker has one while the next is written. */
  private static final int WINDOW = 2;

  private static final long MIN_PAUSE_NANOS = 20_000;
  private static final long MAX_PAUSE_NANOS = 1_000_000;

  /** A pause is at most this fraction of the wait so far, so that little time is overslept. */
  private static final int WAIT_FRACTION = 8;

  private final Optional<SegmentPool> pool;
  private final TaskContext task;
  private final HandoverCounters counters;
  private final Deque<SegmentLease> unseen = new ArrayDeque<>();
  private final List<SegmentLease> current = new ArrayList<>();
  private final Map<LeaseId, InPlaceTensor> inPlace = new HashMap<>();

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
    while (countUnseen() >= WINDOW) {
      long fraction = (System.nanoTime() - start) / WAIT_FRACTION;
      LockSupport.parkNanos(Math.min(Math.max(fraction, MIN_PAUSE_NANOS), MAX_PAUSE_NANOS));
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

  /** Waits, from now on, for the worker to ask for the batch after the one of this lease. */
  void sent(SegmentLease lease) {
    unseen.add(lease);
  }

  /** Leases a segment for this task; empty if none is free. */
  synchronized Optional<SegmentLease> lease(long bytes) {
    if (pool.isEmpty()) {
      counters.notShared(InlineReason.NO_SHARED_MEMORY);
      return Optional.empty();
    }
    Optional<SegmentLease> lease = pool.get().lease(bytes, counters::notShared);
    lease.ifPresent(counters::leased);
    current.removeIf(held -> !held.isCurrent());
    lease.ifPresent(current::add);
    return lease;
  }

  /**
   * Takes a segment for a tensor that the worker may change; empty if none can be had.
   *
   * @param field the tensor's column
   * @param dims the tensor's shape, rows first
   * @param bytes how many bytes its elements have
   */
  synchronized Optional<InPlaceTensor> leaseInPlace(
      StructField field, List<Long> dims, long bytes) {
    return lease(bytes)
        .map(
            lease -> {
              SegmentPool segments = pool.orElseThrow();
              InPlaceTensor tensor = new InPlaceTensor(lease, segments, field, dims, bytes);
              inPlace.put(new LeaseId(lease.segment().id(), lease.generation()), tensor);
              segments.hold(lease);
              return tensor;
            });
  }

  /** Takes back a tensor that the worker is done with; empty if it has none there. */
  synchronized Optional<InPlaceTensor> takeBack(LeaseId id) {
    return Optional.ofNullable(inPlace.remove(id));
  }

  /** Ends all leases; the writing thread must have ended. */
  @Override
  public synchronized void close() {
    inPlace.values().forEach(InPlaceTensor::release);
    inPlace.clear();
    pool.ifPresent(segments -> segments.end(current));
    current.clear();
  }
}
