package io.tensorarrow.spark.python.shm;

/** Why a batch that is large enough for shared memory goes through the socket instead. */
public enum InlineReason {
  /** This executor has no usable shared memory; its log says why. */
  NO_SHARED_MEMORY,
  /** Segments may not take more bytes in all, or one segment not as many. */
  POOL_EXHAUSTED,
  /** The directory has no free space for another segment. */
  DIRECTORY_FULL
}
