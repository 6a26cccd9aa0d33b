package io.tensorarrow.spark.python.retained;

import java.util.ArrayDeque;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.types.pojo.Field;
import org.apache.spark.sql.util.ArrowUtils;
import org.apache.spark.sql.vectorized.ColumnarBatch;
import org.jspecify.annotations.Nullable;

/**
 * The batches of a task whose rows wait for the results of Python, in order. If a function reads
 * all its input before it returns a result, all batches wait; those beyond the memory limit wait on
 * disk.
 *
 * <p>One thread adds, another takes; whoever closes this makes sure that both are done.
 */
public final class RetainedBatches implements AutoCloseable {
  private final List<Field> fields;
  private final long memoryBytes;
  private final BufferAllocator allocator =
      ArrowUtils.rootAllocator()
          .newChildAllocator("batches that wait for Python", 0, Long.MAX_VALUE);
  private final Queue<WaitingBatch> waiting = new ArrayDeque<>();

  /** A batch that was spilled, or is empty, and is being sent. */
  private @Nullable RetainedBatch notWaiting;

  private @Nullable RetainedBatch taken;
  private long spilledBytes;

  /**
   * Creates an empty queue of batches.
   *
   * @param fields the Arrow fields of the batches' columns
   * @param memoryBytes from how many bytes on batches go to disk
   */
  public RetainedBatches(List<Field> fields, long memoryBytes) {
    this.fields = List.copyOf(fields);
    this.memoryBytes = memoryBytes;
  }

  /**
   * Retains a batch.
   *
   * @param batch stays its source's
   * @return the same rows, valid until all of them were taken and the next batch is added
   */
  public synchronized RetainedBatch add(ColumnarBatch batch) {
    freeNotWaiting();
    RetainedBatch retained = RetainedBatch.of(batch, fields, allocator);
    if (retained.rows() == 0) {
      notWaiting = retained;
    } else if (allocator.getAllocatedMemory() < memoryBytes) {
      waiting.add(retained);
    } else {
      notWaiting = retained;
      SpilledBatch spilled = SpilledBatch.write(retained, fields, allocator);
      waiting.add(spilled);
      spilledBytes += spilled.bytes();
    }
    return retained;
  }

  /** Takes the oldest batch, which is valid until the next call; empty if none waits. */
  synchronized Optional<RetainedBatch> take() {
    freeTaken();
    WaitingBatch oldest = waiting.poll();
    if (oldest == null) {
      return Optional.empty();
    }
    taken = oldest.open();
    return Optional.of(taken);
  }

  /** Returns how many bytes went to disk. */
  public synchronized long spilledBytes() {
    return spilledBytes;
  }

  private void freeTaken() {
    if (taken != null) {
      taken.close();
      taken = null;
    }
  }

  private void freeNotWaiting() {
    if (notWaiting != null) {
      notWaiting.close();
      notWaiting = null;
    }
  }

  @Override
  public synchronized void close() {
    try (allocator) {
      freeTaken();
      freeNotWaiting();
      waiting.forEach(WaitingBatch::close);
      waiting.clear();
    }
  }
}
