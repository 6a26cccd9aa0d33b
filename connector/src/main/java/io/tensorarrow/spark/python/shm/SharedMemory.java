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

  /** By default the pool takes at most this fraction of the free space. */
  private static final int FREE_SPACE_FRACTION = 4;

  private static @Nullable SharedMemory ofProcess;

  private final Optional<SegmentPool> pool;
  private final String reasonForNone;

  private SharedMemory(Optional<SegmentPool> pool, String reasonForNone) {
    this.pool = pool;
    this.reasonForNone = reasonForNone;
  }

  /** Returns the shared memory of this process; to be called in a task. */
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

  /** Returns how many segments of this process are leased: none when no task uses any. */
  public static synchronized int leasedSegments() {
    return ofProcess == null ? 0 : ofProcess.pool.map(pool -> pool.state().leased()).orElse(0);
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

  /** Opens the pool that the settings describe, if a segment can be created as they say. */
  static SharedMemory open(ExecutorSettings settings) {
    Path directory = settings.sharedMemoryDirectory().orElse(DEFAULT_DIRECTORY);
    try {
      Optional<String> obstacle = obstacle(directory, settings);
      if (obstacle.isPresent()) {
        return without(obstacle.get());
      }
      long free = Files.getFileStore(directory).getUsableSpace();
      long maxBytes =
          settings.sharedMemoryBytes().orElse(Math.min(DEFAULT_BYTES, free / FREE_SPACE_FRACTION));
      if (Math.min(maxBytes, free) < SegmentPool.MIN_BYTES) {
        return without(
            "%d bytes free in %s, %d of them to be used".formatted(free, directory, maxBytes));
      }
      sweep(directory);
      tryOut(directory);
      return new SharedMemory(
          Optional.of(new SegmentPool(directory, maxBytes, settings.sharedMemoryIdleTime())),
          "none");
    } catch (IOException e) {
      return without("no way to make a segment in " + directory + " (" + e + ")");
    }
  }

  private static Optional<String> obstacle(Path directory, ExecutorSettings settings)
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
    // On a disk the system would write pages back that nobody reads. A directory that is set
    // explicitly may be on one.
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
    try (Segment segment = Segment.create(directory, SegmentLayout.HEADER_BYTES)) {
      segment.setWord(SegmentLayout.MAGIC_OFFSET, SegmentLayout.MAGIC);
      if (segment.word(SegmentLayout.MAGIC_OFFSET) != SegmentLayout.MAGIC) {
        throw new IOException("it does not keep what is written");
      }
    }
  }

  private static SharedMemory without(String reason) {
    LOG.warn(
        "Cannot share memory with Python workers: found {}; batches go through the socket", reason);
    return new SharedMemory(Optional.empty(), reason);
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
      throw TensorArrowException.cannot(
              ErrorCode.TA_HANDOVER,
              "hand batches over through shared memory, as handover=shared-memory requires")
          .found("%s", reasonForNone)
          .expected(
              "free space in a file system in memory (docker run --shm-size=1280m; in Kubernetes an"
                  + " emptyDir with medium: Memory mounted on /dev/shm; or the setting %s), or"
                  + " handover=auto",
              ExecutorSettings.SHARED_MEMORY_DIRECTORY.key());
    }
  }

  @Override
  public void close() {
    pool.ifPresent(SegmentPool::close);
  }
}
