package io.tensorarrow.spark.model;

import org.jspecify.annotations.Nullable;

/**
 * The executor's one cache of models. There is one per class loader, since TensorFlow's classes
 * belong to one.
 *
 * <p>Thread-safe. When the process ends nothing has to be closed: the system takes the memory back,
 * while a hook that freed models could do so under tasks that still run. A class loader that goes
 * earlier gets rid of its models by the idle time, or by {@link ModelCache#shutdown}.
 */
public final class ExecutorModelCache {
  /** Guarded by the class. */
  private static @Nullable ModelCache cache;

  /** Guarded by the class; what {@link #cache} was made with. */
  private static @Nullable ExecutorModelSettings cacheSettings;

  private ExecutorModelCache() {}

  /**
   * Returns the executor's cache.
   *
   * @param settings how to keep models. Where they differ from the last caller's, another Spark
   *     application began in this process: the cache of the last one is shut down
   */
  public static synchronized ModelCache get(ExecutorModelSettings settings) {
    ModelCache current = cache;
    if (current == null || !settings.equals(cacheSettings)) {
      if (current != null) {
        current.shutdown();
      }
      ModelLoader loader = new ModelLoader(settings.nativesDirectory(), settings.modelsDirectory());
      current = new ModelCache(settings, loader::load, System::nanoTime);
      cache = current;
      cacheSettings = settings;
    }
    return current;
  }
}
