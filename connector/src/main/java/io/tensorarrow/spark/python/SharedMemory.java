package io.tensorarrow.spark.python;

import java.nio.file.Path;
import java.time.Duration;

/** The pool of this process. */
final class SharedMemory {
  private static final SegmentPool POOL =
      new SegmentPool(Path.of("/dev/shm"), 512L << 20, Duration.ofSeconds(60));

  private SharedMemory() {}

  static SegmentPool pool() {
    return POOL;
  }
}
