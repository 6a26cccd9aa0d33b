package io.tensorarrow.spark.python.worker;

import io.tensorarrow.spark.python.shm.SegmentLayout;
import io.tensorarrow.spark.python.shm.SegmentLease;
import io.tensorarrow.spark.python.shm.SharedSegment;

/**
 * What a worker needs to open a batch, or a tensor, in a segment. The Python module has a class of
 * the same name.
 *
 * @param pid the process that has the segment's file open
 * @param descriptor the file's descriptor there
 * @param segment the segment's number in that process
 * @param generation the lease's generation
 * @param ordinal the tensor's column; 0 for a batch
 * @param size the segment's size in bytes
 * @param offset where in the segment the batch begins
 * @param length how many bytes the batch has
 * @param nonce the segment's random number
 */
record SegmentHandle(
    int pid,
    int descriptor,
    int segment,
    int generation,
    int ordinal,
    long size,
    long offset,
    long length,
    long nonce) {

  /**
   * Returns the handle of what this process wrote behind the segment's header.
   *
   * @param ordinal the tensor's column; 0 for a batch
   * @param length how many bytes were written
   */
  static SegmentHandle of(SegmentLease lease, int ordinal, long length) {
    SharedSegment segment = lease.segment();
    return new SegmentHandle(
        (int) ProcessHandle.current().pid(),
        segment.descriptor(),
        segment.id(),
        lease.generation(),
        ordinal,
        segment.size(),
        SegmentLayout.HEADER_BYTES,
        length,
        segment.nonce());
  }
}
