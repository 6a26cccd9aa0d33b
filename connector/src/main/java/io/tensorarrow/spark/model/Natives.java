package io.tensorarrow.spark.model;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.bytedeco.javacpp.Loader;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.tensorflow.internal.c_api.global.tensorflow;

/**
 * Loads TensorFlow's native libraries into this JVM, once per class loader.
 *
 * <p>JavaCPP would extract them itself, but JVMs that start at once then kill each other, and it
 * counts the whole process against a multiple of the heap. So we extract ({@link
 * NativesDirectory}), point JavaCPP at the result and switch its counting off.
 *
 * <p>Thread-safe.
 */
public final class Natives {
  private static final Logger LOG = LoggerFactory.getLogger(Natives.class);

  /**
   * System properties belong to the whole JVM, so must the lock around their change: class loaders
   * have their own copy of this class, but share interned strings.
   */
  private static final Object JVM_LOCK = "io.tensorarrow.spark.model.Natives".intern();

  private static boolean loaded;
  private static @Nullable String failure;

  private Natives() {}

  /**
   * Extracts the libraries where this has not happened on this host, and loads them where this has
   * not happened in this class loader. System properties are afterwards what they were before.
   *
   * @param directory where to extract, or empty for a directory of the user's own: {@code
   *     $XDG_CACHE_HOME/tensorarrow}, {@code ~/.cache/tensorarrow} or {@code
   *     <java.io.tmpdir>/tensorarrow-<user>}
   * @throws TensorArrowException with {@link ErrorCode#TA_NATIVES} if they can't be extracted or
   *     loaded
   */
  public static void ensureLoaded(Optional<Path> directory) {
    synchronized (JVM_LOCK) {
      if (loaded) {
        return;
      }
      if (failure != null) {
        // A class whose initialiser failed never comes back: say why it failed, not that it failed
        // before.
        throw new TensorArrowException(ErrorCode.TA_NATIVES, failure);
      }
      Path libraries = NativesDirectory.of(directory).extract();
      Map<String, String> properties = new HashMap<>();
      properties.put("org.bytedeco.javacpp.pathsfirst", "true");
      properties.put("java.library.path", libraries.toString());
      putIfUnset(properties, "org.bytedeco.javacpp.maxbytes", "0");
      putIfUnset(properties, "org.bytedeco.javacpp.maxphysicalbytes", "0");
      putIfUnset(properties, "org.bytedeco.javacpp.cachedir", NativesDirectory.scratch(libraries));
      withProperties(properties, () -> load(libraries));
      loaded = true;
    }
  }

  /** Keeps the failure: it holds for as long as the class loader does. */
  @SuppressWarnings("StaticAssignmentOfThrowable")
  private static void load(Path libraries) {
    try {
      Loader.load(tensorflow.class);
      LOG.info("Loaded TensorFlow {} from {}", tensorflow.TF_Version().getString(), libraries);
    } catch (LinkageError e) {
      String message =
          "Cannot load TensorFlow's libraries from '"
              + libraries
              + "': found "
              + e
              + "; expected a directory from which this JVM may load code (not mounted noexec), on a"
              + " system with glibc";
      failure = message;
      throw new TensorArrowException(ErrorCode.TA_NATIVES, message, e);
    }
    if (Loader.getLoadedLibraries().values().stream()
        .noneMatch(f -> f.startsWith(libraries.toString()))) {
      LOG.warn(
          "TensorFlow's libraries were loaded by someone else before, from {}: JavaCPP's limit on the"
              + " memory of the process may be in force",
          Loader.getLoadedLibraries().values());
    }
  }

  /** What the user set stays as it is. */
  private static void putIfUnset(Map<String, String> properties, String key, String value) {
    if (System.getProperty(key) == null) {
      properties.put(key, value);
    }
  }

  private static void withProperties(Map<String, String> properties, Runnable action) {
    Map<String, Optional<String>> before = new HashMap<>();
    properties.forEach((k, v) -> before.put(k, Optional.ofNullable(System.setProperty(k, v))));
    try {
      action.run();
    } finally {
      before.forEach(
          (k, v) ->
              v.ifPresentOrElse(s -> System.setProperty(k, s), () -> System.clearProperty(k)));
    }
  }
}
