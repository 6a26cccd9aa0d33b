package io.tensorarrow.spark.python.shm;

/**
 * The right to write one batch into a segment and to hand it to a worker.
 *
 * @param segment the segment
 * @param generation how often the segment was leased, this time included
 */
public record SegmentLease(SharedSegment segment, int generation) {
  /** Whether the segment was created for it. */
  public boolean isFirst() {
    return generation == SharedSegment.FIRST_GENERATION;
  }

  /** Whether the segment was not leased again since. */
  public boolean isCurrent() {
    return segment.generation() == generation;
  }

  /** Whether the worker has asked for the batch after this one. */
  public boolean isSeen() {
    return !isCurrent() || segment.isSeen();
  }
}
