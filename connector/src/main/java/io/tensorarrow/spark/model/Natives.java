package io.tensorarrow.spark.model;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
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

  private static final String JNI_LIBRARY = "jnitensorflow";
  private static final String ONE_COPY =
      "only one per process (leave loading to TensorArrow, or have TensorFlow Java on one class path;"
          + " if the libraries were deleted, restart the process)";
  private static final String LOADABLE =
      "a directory from which this process may load code (not mounted noexec), on a system with glibc";

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
      putIfUnset(properties, "org.bytedeco.javacpp.maxbytes", "0");
      putIfUnset(properties, "org.bytedeco.javacpp.maxphysicalbytes", "0");
      putIfUnset(properties, "org.bytedeco.javacpp.cachedir", NativesDirectory.scratch(libraries));
      withProperties(properties, () -> load(libraries));
      loaded = true;
    }
  }

  private static void load(Path libraries) {
    Map<String, String> here = Loader.getLoadedLibraries();
    if (here.keySet().stream().anyMatch(name -> name.startsWith(JNI_LIBRARY))) {
      LOG.warn(
          "TensorFlow's libraries were loaded before: JavaCPP's limit on the memory of the process"
              + " may be in force; {}",
          here);
      return;
    }
    List<Path> elsewhere = MappedLibraries.notBelow(libraries);
    if (!elsewhere.isEmpty()) {
      // A second copy would end the process: both register the same protocol buffers.
      throw new TensorArrowException(
          ErrorCode.TA_NATIVES,
          message(libraries, "another copy in this process, " + elsewhere, ONE_COPY));
    }
    if (MappedLibraries.below(libraries).isEmpty()) {
      loadFrom(libraries);
    } else {
      NativesDirectory.withTwin(libraries, Natives::loadFrom);
    }
  }

  private static void loadFrom(Path libraries) {
    withProperties(
        Map.of("java.library.path", libraries.toString()),
        () -> {
          try {
            Loader.load(tensorflow.class);
            LOG.info(
                "Loaded TensorFlow {} from {}", tensorflow.TF_Version().getString(), libraries);
          } catch (LinkageError e) {
            failure = message(libraries, e.toString(), LOADABLE);
            throw new TensorArrowException(ErrorCode.TA_NATIVES, failure, e);
          }
        });
  }

  private static String message(Path libraries, String found, String expected) {
    return "Cannot load TensorFlow's libraries from '"
        + libraries
        + "': found "
        + found
        + "; expected "
        + expected;
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
