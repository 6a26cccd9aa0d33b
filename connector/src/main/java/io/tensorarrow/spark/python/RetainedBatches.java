package io.tensorarrow.spark.python;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.spark.sql.util.ArrowUtils;

/**
 * Batches whose columns went to a worker and wait for what it makes of them, in order.
 *
 * <p>The writing thread adds, the task's thread takes. Owns the batches and all memory that they
 * were converted into; {@link #close} frees it, when neither thread uses it any more.
 */
final class RetainedBatches implements AutoCloseable {
  private final BufferAllocator allocator =
      ArrowUtils.rootAllocator().newChildAllocator("batches waiting for Python", 0, Long.MAX_VALUE);
  private final Deque<ArrowColumns> batches = new ArrayDeque<>();

  /** Returns what gives memory to batches that are kept. */
  BufferAllocator allocator() {
    return allocator;
  }

  /**
   * Keeps a batch; its source may change or free its own columns afterwards.
   *
   * @return the kept columns, valid until {@link #removeFirst} or {@link #close}
   */
  synchronized ArrowColumns keep(ArrowColumns columns, int rows) {
    ArrowColumns kept = columns.retain(rows);
    batches.add(kept);
    return kept;
  }

  /** Returns the batch that was kept longest; empty if there is none now. */
  synchronized Optional<ArrowColumns> first() {
    return Optional.ofNullable(batches.peekFirst());
  }

  /** Frees the batch that was kept longest. */
  synchronized void removeFirst() {
    batches.removeFirst().close();
  }

  @Override
  public synchronized void close() {
    batches.forEach(ArrowColumns::close);
    batches.clear();
    allocator.close();
  }
}
