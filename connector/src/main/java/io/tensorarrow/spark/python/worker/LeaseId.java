package io.tensorarrow.spark.python.worker;

/**
 * How a worker's reply names a lease.
 *
 * @param segment the segment's number in this process
 * @param generation the lease's generation
 */
record LeaseId(int segment, int generation) {}
