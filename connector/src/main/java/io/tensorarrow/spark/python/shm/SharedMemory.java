package io.tensorarrow.spark.python.shm;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.options.ExecutorSettings;
import java.io.IOException;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.apache.spark.SparkContext;
import org.apache.spark.SparkContext$;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerApplicationEnd;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import scala.Option;

/**
 * The shared memory of this process: a pool of segments, or the reason why there is none. Created
 * by the first task that needs it; closed when the application ends.
 *
 * <p>Thread-safe. Owns its pool.
 */
public final class SharedMemory implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(SharedMemory.class);

  private static final Path DEFAULT_DIRECTORY = Path.of("/dev/shm");
  private static final long DEFAULT_BYTES = 512L << 20;

  /** The default takes no more than one part in this many of what is free. */
  private static final int SHARE_OF_FREE = 4;

  private static @Nullable SharedMemory ofProcess;

  private final Optional<SegmentPool> pool;
  private final String fault;

  private SharedMemory(Optional<SegmentPool> pool, String fault) {
    this.pool = pool;
    this.fault = fault;
  }

  /** Returns this process's; in a task. */
  public static synchronized SharedMemory get() {
    if (ofProcess == null) {
      ofProcess = open(ExecutorSettings.ofProcess());
      // An executor's process ends with the application; a driver's may go on.
      Option<SparkContext> driver = SparkContext$.MODULE$.getActive();
      if (driver.isDefined()) {
        driver.get().addSparkListener(new ApplicationEnd());
      }
    }
    return ofProcess;
  }

  /** Returns how many segments of this process are lent: none when no task hands anything over. */
  public static synchronized int lent() {
    return ofProcess == null ? 0 : ofProcess.pool.map(pool -> pool.state().lent()).orElse(0);
  }

  private static synchronized void end() {
    if (ofProcess != null) {
      ofProcess.close();
      ofProcess = null;
    }
  }

  private static final class ApplicationEnd extends SparkListener {
    @Override
    public void onApplicationEnd(SparkListenerApplicationEnd end) {
      end();
    }
  }

  /** Tries the settings out. */
  static SharedMemory open(ExecutorSettings settings) {
    Path directory = settings.sharedMemoryDirectory().orElse(DEFAULT_DIRECTORY);
    try {
      Optional<String> fault = faultOf(directory, settings);
      if (fault.isPresent()) {
        return without(fault.get());
      }
      long free = Files.getFileStore(directory).getUsableSpace();
      long most =
          settings.sharedMemoryBytes().orElse(Math.min(DEFAULT_BYTES, free / SHARE_OF_FREE));
      if (Math.min(most, free) < SegmentPool.LEAST_BYTES) {
        return without(
            "%d bytes free in %s, %d of them to be used".formatted(free, directory, most));
      }
      sweep(directory);
      tryOut(directory);
      return new SharedMemory(
          Optional.of(new SegmentPool(directory, most, settings.sharedMemoryIdleTime())), "none");
    } catch (IOException e) {
      return without("no way to make a segment in " + directory + " (" + e + ")");
    }
  }

  private static Optional<String> faultOf(Path directory, ExecutorSettings settings)
      throws IOException {
    if (settings.sharedMemoryBytes().filter(bytes -> bytes == 0).isPresent()) {
      return Optional.of("it switched off by " + ExecutorSettings.SHARED_MEMORY_BYTES.key());
    }
    if (!System.getProperty("os.name", "").equals("Linux")) {
      return Optional.of("a system other than Linux");
    }
    if (!Files.isDirectory(directory)) {
      return Optional.of("no directory " + directory);
    }
    FileStore store = Files.getFileStore(directory);
    // On a disk, the system would write back what nobody will read. Who names one may have it.
    return settings.sharedMemoryDirectory().isEmpty() && !store.type().equals("tmpfs")
        ? Optional.of("a file system of type " + store.type() + " at " + directory)
        : Optional.empty();
  }

  private static void sweep(Path directory) {
    try {
      Segment.sweep(directory);
    } catch (IOException e) {
      LOG.warn("Cannot look for names that killed processes left in {}: they stay", directory, e);
    }
  }

  private static void tryOut(Path directory) throws IOException {
    try (Segment segment = Segment.create(directory, SharedSegment.HEADER_BYTES)) {
      segment.setWord(0, SharedSegment.MAGIC);
      if (segment.word(0) != SharedSegment.MAGIC) {
        throw new IOException("it does not keep what is written");
      }
    }
  }

  private static SharedMemory without(String fault) {
    LOG.warn(
        "Cannot share memory with Python workers: found {}; batches go through the socket", fault);
    return new SharedMemory(Optional.empty(), fault);
  }

  /** Returns the segments; empty if there can be none. */
  public Optional<SegmentPool> pool() {
    return pool;
  }

  /**
   * Checks that there can be segments.
   *
   * @throws TensorArrowException with {@link ErrorCode#TA_HANDOVER} if not
   */
  public void checkUsable() {
    if (pool.isEmpty()) {
      throw new TensorArrowException(
          ErrorCode.TA_HANDOVER,
          "Cannot hand batches over through shared memory, as handover=shared-memory requires: found %s; expected free space in a file system in memory (docker run --shm-size=1g; in Kubernetes an emptyDir with medium: Memory mounted on /dev/shm; or the setting %s), or handover=auto"
              .formatted(fault, ExecutorSettings.SHARED_MEMORY_DIRECTORY.key()));
    }
  }

  @Override
  public void close() {
    pool.ifPresent(SegmentPool::close);
  }
}
