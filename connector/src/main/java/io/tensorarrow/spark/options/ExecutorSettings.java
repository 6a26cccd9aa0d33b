package io.tensorarrow.spark.options;

import static io.tensorarrow.spark.errors.TensorArrowException.cannot;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkEnv;
import org.apache.spark.network.util.JavaUtils;
import org.jspecify.annotations.Nullable;

/**
 * Settings of the executor's process, {@code spark.tensorarrow.*}: from SparkConf only, never from
 * a query.
 */
public final class ExecutorSettings {
  public static final ConfigEntry<Integer> CACHE_MODELS =
      ConfigEntry.count("spark.tensorarrow.cache.models", 1, 10_000)
          .doc(
              "how many models an executor keeps loaded; more are loaded while queries use "
                  + "them, and the least recently used idle ones are unloaded first")
          .example("2")
          .withDefault(8, "`8`");

  public static final ConfigEntry<Long> CACHE_BYTES =
      ConfigEntry.of(
              "spark.tensorarrow.cache.bytes", "a size such as `4g`", JavaUtils::byteStringAsBytes)
          .checked(bytes -> bytes >= 0)
          .doc(
              "how large the models that an executor keeps loaded may be in total; the "
                  + "limit does not apply to models in use and to the one used last. A model "
                  + "counts with the size of its graph and variables on disk: variables take "
                  + "that in memory, constants of frozen graphs about four times as much")
          .example("16g")
          .withDefault(4L << 30, "`4g`");

  public static final ConfigEntry<Duration> CACHE_IDLE =
      ConfigEntry.of(
              "spark.tensorarrow.cache.idleTime",
              "a time such as `10min`",
              text -> Duration.ofSeconds(JavaUtils.timeStringAsSec(text)))
          .checked(time -> !time.isNegative())
          .doc("how long a model that no task uses stays loaded")
          .example("30min")
          .withDefault(Duration.ofMinutes(10), "`10min`");

  public static final ConfigEntry<Path> NATIVES_DIRECTORY =
      ConfigEntry.of("spark.tensorarrow.natives.directory", "an absolute path", Path::of)
          .checked(Path::isAbsolute)
          .doc(
              "where TensorFlow's native libraries are unpacked, once per host and version "
                  + "(about 700 MB); must belong to the executor's user and be writable by no one "
                  + "else")
          .example("/local-disk/tensorarrow")
          .withDefaultOf(
              "`$XDG_CACHE_HOME/tensorarrow` or `~/.cache/tensorarrow`, else `<java.io.tmpdir>/tensorarrow-<user>`");

  public static final ConfigEntry<Path> MODELS_DIRECTORY =
      ConfigEntry.of("spark.tensorarrow.models.directory", "an absolute path", Path::of)
          .checked(Path::isAbsolute)
          .doc(
              "where remote models are copied to, once per host; must belong to the executor's "
                  + "user and be writable by no one else. Copies that were not used for 7 days are "
                  + "deleted when another one is made")
          .example("/local-disk/tensorarrow-models")
          .withDefaultOf("`models` in the natives' directory");

  public static final ConfigEntry<Path> SHARED_MEMORY_DIRECTORY =
      ConfigEntry.of("spark.tensorarrow.sharedMemory.directory", "an absolute path", Path::of)
          .checked(Path::isAbsolute)
          .doc(
              "where the segments are created that carry batches to Python workers. The default "
                  + "must be a file system in memory; a directory that is set here may be on a disk")
          .example("/mnt/tmpfs/tensorarrow")
          .withDefaultOf("`/dev/shm`");

  public static final ConfigEntry<Long> SHARED_MEMORY_BYTES =
      ConfigEntry.of(
              "spark.tensorarrow.sharedMemory.bytes",
              "a size such as `1g`",
              JavaUtils::byteStringAsBytes)
          .checked(bytes -> bytes >= 0)
          .doc(
              "how large all segments of an executor may be together; batches that get no "
                  + "segment go through the socket. 0 switches shared memory off")
          .example("2g")
          .withDefaultOf("`512m`, or a quarter of what is free in the directory if that is less");

  public static final ConfigEntry<Duration> SHARED_MEMORY_IDLE =
      ConfigEntry.of(
              "spark.tensorarrow.sharedMemory.idleTime",
              "a time such as `60s`",
              text -> Duration.ofSeconds(JavaUtils.timeStringAsSec(text)))
          .checked(time -> !time.isNegative())
          .doc("how long a segment that no batch uses is kept")
          .example("5min")
          .withDefault(Duration.ofSeconds(60), "`60s`");

  public static final ConfigEntry<List<String>> ALLOW_OPS_MAX =
      ConfigEntry.of(
              "spark.tensorarrow.allowOps.max",
              "comma-separated names of operations, or `*` for all",
              ReadOptions::list)
          .doc(
              "operations outside the allow-list that queries may allow with `allowOps`; set it "
                  + "for driver and executors, which both check it")
          .example("ReadFile,PrintV2")
          .withDefault(List.of(), "none");

  public static final ConfigEntry<Long> RETAINED_BYTES =
      ConfigEntry.of(
              "spark.tensorarrow.python.retainedBytes",
              "a size such as `256m`",
              JavaUtils::byteStringAsBytes)
          .checked(bytes -> bytes >= 0)
          .doc(
              "how many bytes of batches a task keeps in memory until a scalar pandas UDF has "
                  + "answered them; more are kept on disk, in `spark.local.dir`")
          .example("1g")
          .withDefault(256L << 20, "`256m`");

  /** All of them, in the order of the documentation. */
  public static final List<ConfigEntry<?>> ALL =
      List.of(
          CACHE_MODELS,
          CACHE_BYTES,
          CACHE_IDLE,
          NATIVES_DIRECTORY,
          MODELS_DIRECTORY,
          SHARED_MEMORY_DIRECTORY,
          SHARED_MEMORY_BYTES,
          SHARED_MEMORY_IDLE,
          RETAINED_BYTES,
          ALLOW_OPS_MAX);

  private final Function<String, @Nullable String> conf;

  /**
   * @param conf gives SparkConf's value for a key, or null
   */
  public ExecutorSettings(Function<String, @Nullable String> conf) {
    this.conf = conf;
  }

  /** Returns the settings in a configuration of Spark. */
  public static ExecutorSettings of(SparkConf conf) {
    return new ExecutorSettings(key -> conf.get(key, null));
  }

  /** Returns the settings of this process: a driver's or an executor's, else the defaults. */
  public static ExecutorSettings ofProcess() {
    return of(confOfProcess());
  }

  /** Returns Spark's configuration of this process; that of new applications if it has none. */
  public static SparkConf confOfProcess() {
    return SparkEnv.get() == null ? new SparkConf() : SparkEnv.get().conf();
  }

  /** Returns how many models stay loaded. */
  public int cacheModels() {
    return CACHE_MODELS.get(conf);
  }

  /** Returns how many bytes of models stay loaded. */
  public long cacheBytes() {
    return CACHE_BYTES.get(conf);
  }

  /** Returns how long an idle model stays loaded. */
  public Duration cacheIdleTime() {
    return CACHE_IDLE.get(conf);
  }

  /** Returns where natives are unpacked, if it is not the default place. */
  public Optional<Path> nativesDirectory() {
    return NATIVES_DIRECTORY.find(conf);
  }

  /** Returns where remote models are copied to, if it is not the default place. */
  public Optional<Path> modelsDirectory() {
    return MODELS_DIRECTORY.find(conf);
  }

  /** Returns where segments of shared memory are made, if it is not the default place. */
  public Optional<Path> sharedMemoryDirectory() {
    return SHARED_MEMORY_DIRECTORY.find(conf);
  }

  /** Returns the maximum of their bytes in total, or empty if it depends on the free space. */
  public Optional<Long> sharedMemoryBytes() {
    return SHARED_MEMORY_BYTES.find(conf);
  }

  /** Returns how long a segment is kept that no batch uses. */
  public Duration sharedMemoryIdleTime() {
    return SHARED_MEMORY_IDLE.get(conf);
  }

  /** Returns how many bytes of a task's batches may wait in memory for a scalar UDF's answers. */
  public long retainedBytes() {
    return RETAINED_BYTES.get(conf);
  }

  /**
   * Checks the operations that a query allows against those that queries may allow.
   *
   * @param ops operations outside the allow-list
   * @throws TensorArrowException with {@code TA_OPTION_INVALID} if one of them may not be allowed
   */
  public void checkAllowed(Collection<String> ops) {
    List<String> allowedOps = ALLOW_OPS_MAX.get(conf);
    if (!allowedOps.contains("*") && !allowedOps.containsAll(ops)) {
      throw cannot(ErrorCode.TA_OPTION_INVALID, "use option '%s'", ReadOptions.ALLOW_OPS.key())
          .found(
              "'%s'",
              ops.stream().filter(op -> !allowedOps.contains(op)).collect(Collectors.joining(",")))
          .expected(
              "only operations that the setting %s names, which names %s (an administrator sets it, in Spark's configuration, not in a session's)",
              ALLOW_OPS_MAX.key(),
              allowedOps.isEmpty() ? "none" : "'" + String.join(",", allowedOps) + "'");
    }
  }
}
