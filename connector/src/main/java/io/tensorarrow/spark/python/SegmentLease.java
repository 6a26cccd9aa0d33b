package io.tensorarrow.spark.python;

/**
 * The right to write one batch into a segment and to hand it to a worker.
 *
 * @param segment the segment
 * @param generation how often the segment was lent, this time included
 */
record SegmentLease(SharedSegment segment, int generation) {
  /** Whether the segment was made for it. */
  boolean isFirst() {
    return generation == SharedSegment.FIRST_GENERATION;
  }

  /** Whether the segment was not lent again since. */
  boolean isCurrent() {
    return segment.generation() == generation;
  }

  /** Whether the worker has asked for the batch after this one. */
  boolean isSeen() {
    return !isCurrent() || segment.isSeen();
  }
}
