package io.tensorarrow.spark.model.natives;

import io.tensorarrow.spark.errors.CannotMessage;
import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.host.ProcessLock;
import java.io.InterruptedIOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.Pointer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.tensorflow.internal.c_api.global.tensorflow;

/**
 * Loads TensorFlow's native libraries into this JVM, once per class loader.
 *
 * <p>JavaCPP would extract them itself, but JVMs that start at once then kill each other, and it
 * counts the whole process against a multiple of the heap. So we extract ({@link
 * NativesDirectory}), point JavaCPP at the result and switch its counting off. In all class loaders
 * of a process but the first, JavaCPP does not free what the garbage collector finds, so that they
 * can be collected themselves: TensorFlow's objects have to be closed there. We close all of them.
 *
 * <p>Thread-safe.
 */
public final class NativeLibraries {
  private static final Logger LOG = LoggerFactory.getLogger(NativeLibraries.class);

  /** System properties belong to the whole JVM, so must the lock around their change. */
  private static final String LOADING = "natives";

  private static final String MAX_PHYSICAL_BYTES = "org.bytedeco.javacpp.maxphysicalbytes";
  private static final String JNI_LIBRARY = "jnitensorflow";
  private static final String ONE_COPY =
      "only one per process (leave loading to TensorArrow, or have TensorFlow Java on one class path;"
          + " if the libraries were deleted, restart the process)";
  private static final String LOADABLE =
      "a directory from which this process may load code (not mounted noexec), on a system with glibc";

  private static volatile boolean loaded;
  private static volatile @Nullable LoadFailure failure;

  /**
   * Why loading failed.
   *
   * @param error the linker's error, as text: the error itself would stay in memory
   */
  private record LoadFailure(Path libraries, String error) {
    TensorArrowException exception(@Nullable Throwable cause) {
      return cannotLoad(libraries).found("%s", error).causedBy(cause).expected("%s", LOADABLE);
    }
  }

  private NativeLibraries() {}

  /**
   * Extracts the libraries where this has not happened on this host, and loads them where this has
   * not happened in this class loader. System properties are afterwards what they were before.
   *
   * @param directory where to extract, or empty for a directory of the user's own: {@code
   *     $XDG_CACHE_HOME/tensorarrow}, {@code ~/.cache/tensorarrow} or {@code
   *     <java.io.tmpdir>/tensorarrow-<user>}
   * @throws TensorArrowException with {@link ErrorCode#TA_NATIVES} if they can't be extracted or
   *     loaded, or the thread is interrupted, or its task killed, while it waits for others who do
   */
  public static void ensureLoaded(Optional<Path> directory) {
    if (loaded) {
      return;
    }
    try (ProcessLock turn = ProcessLock.take(LOADING)) {
      if (!loaded) {
        extractAndLoad(directory);
        loaded = true;
      }
    } catch (InterruptedIOException e) {
      throw TensorArrowException.cannot(ErrorCode.TA_NATIVES, "load TensorFlow's libraries")
          .found("the task interrupted while another one loaded them")
          .causedBy(e)
          .expected("it to run on");
    }
  }

  private static void extractAndLoad(Optional<Path> directory) {
    LoadFailure before = failure;
    if (before != null) {
      // A class whose initialiser failed never comes back: say why it failed, not that it failed
      // before.
      throw before.exception(null);
    }
    Path libraries = NativesDirectory.of(directory).extract();
    boolean inOtherClassLoader = !MappedLibraries.below(libraries).isEmpty();
    Map<String, String> properties = new HashMap<>();
    properties.put("org.bytedeco.javacpp.pathsfirst", "true");
    putIfUnset(properties, "org.bytedeco.javacpp.maxbytes", "0");
    putIfUnset(properties, MAX_PHYSICAL_BYTES, "0");
    putIfUnset(properties, "org.bytedeco.javacpp.cachedir", NativesDirectory.scratch(libraries));
    if (inOtherClassLoader) {
      // JavaCPP's thread would keep this class loader in memory for ever. The first one keeps it:
      // it is most likely the application's, where others may count on JavaCPP's garbage
      // collection.
      putIfUnset(properties, "org.bytedeco.javacpp.nopointergc", "true");
    }
    withProperties(properties, () -> load(libraries, inOtherClassLoader));
  }

  private static void load(Path libraries, boolean inOtherClassLoader) {
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
      throw cannotLoad(libraries)
          .found("another copy in this process, %s", elsewhere)
          .expected("%s", ONE_COPY);
    }
    if (inOtherClassLoader) {
      NativesDirectory.withPerLoaderCopy(libraries, NativeLibraries::loadFrom);
    } else {
      loadFrom(libraries);
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
            warnOfLimit();
          } catch (LinkageError e) {
            LoadFailure first = new LoadFailure(libraries, e.toString());
            failure = first;
            throw first.exception(e);
          }
        });
  }

  /** Who used JavaCPP before us has fixed its settings. */
  private static void warnOfLimit() {
    if ("0".equals(System.getProperty(MAX_PHYSICAL_BYTES)) && Pointer.maxPhysicalBytes() > 0) {
      LOG.warn(
          "JavaCPP was used before: it fails where the process takes more than {} bytes of memory"
              + " (start the JVM with -D{}=0)",
          Pointer.maxPhysicalBytes(),
          MAX_PHYSICAL_BYTES);
    }
  }

  private static CannotMessage cannotLoad(Path libraries) {
    return TensorArrowException.cannot(
        ErrorCode.TA_NATIVES, "load TensorFlow's libraries from '%s'", libraries);
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
