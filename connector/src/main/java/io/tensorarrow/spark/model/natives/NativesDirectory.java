package io.tensorarrow.spark.model.natives;

import io.tensorarrow.spark.errors.CannotMessage;
import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.host.HostLock;
import io.tensorarrow.spark.host.PrivateDirectory;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * Where TensorFlow's native libraries are on this host: a directory per version and content, made
 * once and completely.
 *
 * <p>JVMs that start at once take turns by a file lock; a directory comes into being by a rename,
 * so that no one who reads without the lock sees half of it. What is damaged is replaced. Code is
 * loaded from here, so no one else may be able to write here. A directory that is complete is used
 * even where nothing can be written.
 *
 * <p>Thread-safe.
 */
public final class NativesDirectory {
  private static final String ARTIFACT = "org.tensorflow:tensorflow-core-native";
  private static final String UNFINISHED = "unfinished-";
  private static final String PER_LOADER_COPY = "loader-";

  private final Path base;

  private NativesDirectory(Path base) {
    this.base = base;
  }

  /**
   * Chooses the directory without touching it.
   *
   * @param configured the directory to use, or empty for one of the user's own
   */
  public static NativesDirectory of(Optional<Path> configured) {
    return new NativesDirectory(
        configured
            .orElseGet(() -> PrivateDirectory.ofUser(System.getenv("XDG_CACHE_HOME")))
            .toAbsolutePath());
  }

  /**
   * Returns the directory that JavaCPP may write to if it wants: it is as private as the libraries
   * are.
   */
  static String scratch(Path libraries) {
    return libraries.resolveSibling("javacpp").toString();
  }

  /** Returns the directory that is private to the user; it need not exist. */
  public Path base() {
    return base;
  }

  /**
   * Makes sure that the libraries are in this directory.
   *
   * @return the directory that holds them, a real path
   * @throws TensorArrowException with {@link ErrorCode#TA_NATIVES} if they can't be put there, or
   *     others could change them
   */
  Path extract() {
    NativeArtifacts artifacts = artifacts();
    try {
      Path real = PrivateDirectory.create(base);
      Optional<PrivateDirectory.Weakness> weakness = PrivateDirectory.weakness(real);
      if (weakness.isPresent()) {
        throw cannotExtract()
            .found("%s", weakness.get().found())
            .expected("%s", weakness.get().expected());
      }
      Path target = real.resolve(artifacts.directoryName());
      if (artifacts.isComplete(target)) {
        sweep(real);
      } else {
        extract(real, target, artifacts);
      }
      return target;
    } catch (InterruptedIOException e) {
      throw interrupted(cannotExtract(), e);
    } catch (IOException e) {
      throw cannotExtract()
          .found("%s", reason(e))
          .causedBy(e)
          .expected("a directory on a local disk that this user can write");
    }
  }

  private NativeArtifacts artifacts() {
    NativePlatform platform = NativePlatform.current();
    Optional<String> missing = platform.missingLibrary();
    if (missing.isPresent()) {
      throw cannotExtract()
          .found("no %s for platform '%s' on the class path", missing.get(), platform.name())
          .expected(
              "the artifact %s with classifier %s"
                  + " (another class path, or a platform that TensorFlow Java does not support)",
              ARTIFACT, platform.name());
    }
    try {
      return NativeArtifacts.of(platform);
    } catch (IOException e) {
      throw cannotExtract()
          .found("%s in the class path", reason(e))
          .causedBy(e)
          .expected("a readable jar");
    }
  }

  private void extract(Path real, Path target, NativeArtifacts artifacts) throws IOException {
    try (HostLock exclusive = HostLock.take(lock(real), HostLock.Mode.EXCLUSIVE)) {
      if (artifacts.isComplete(target)) {
        return;
      }
      deleteStaleDirectories(real);
      requireSpace(real, artifacts.bytes());
      Path unfinished = Files.createTempDirectory(real, UNFINISHED, PrivateDirectory.ATTRIBUTE);
      try {
        artifacts.copyTo(unfinished);
        Files.createDirectories(real.resolve("javacpp"), PrivateDirectory.ATTRIBUTE);
        if (Files.exists(target, LinkOption.NOFOLLOW_LINKS)) {
          // Another JVM may have mapped the damaged files: they are moved and unlinked, never
          // overwritten.
          Files.move(target, unfinished.resolveSibling(unfinished.getFileName() + "-replaced"));
        }
        Files.move(unfinished, target, StandardCopyOption.ATOMIC_MOVE);
      } finally {
        deleteStaleDirectories(real);
      }
    }
  }

  private void requireSpace(Path real, long neededBytes) throws IOException {
    long usableBytes = Files.getFileStore(real).getUsableSpace();
    if (usableBytes < neededBytes) {
      throw cannotExtract()
          .found("%d free bytes", usableBytes)
          .expected(
              "%d for TensorFlow's libraries (free some space, or choose a natives directory on"
                  + " another disk)",
              neededBytes);
    }
  }

  private static Path lock(Path real) {
    return real.resolve("lock");
  }

  /** Deletes what killed JVMs left, unless another JVM is at work here: it does so itself. */
  private static void sweep(Path real) throws IOException {
    if (staleDirectories(real).isEmpty() || !Files.isWritable(real)) {
      return;
    }
    Optional<HostLock> free = HostLock.tryTake(lock(real), HostLock.Mode.EXCLUSIVE);
    if (free.isPresent()) {
      try (HostLock held = free.get()) {
        deleteStaleDirectories(real);
      }
    }
  }

  /** Deletes what JVMs left that were killed at work; to be called under the lock. */
  private static void deleteStaleDirectories(Path real) throws IOException {
    for (Path stale : staleDirectories(real)) {
      PrivateDirectory.delete(stale);
    }
  }

  /** Returns what is only there while a JVM holds the lock. */
  private static List<Path> staleDirectories(Path real) throws IOException {
    List<Path> stale = new ArrayList<>();
    try (DirectoryStream<Path> files =
        Files.newDirectoryStream(real, "{" + UNFINISHED + "," + PER_LOADER_COPY + "}*")) {
      files.forEach(stale::add);
    }
    return stale;
  }

  /**
   * Makes a second set of the libraries for another class loader of the same process: Java wants
   * other file names, while TensorFlow may be in memory only once. Hard links are the same file to
   * the system's linker; the small library with Java's functions has to be there once per class
   * loader. The lock is held meanwhile, so that no one takes the set for a stale directory.
   *
   * @param libraries what {@link #extract} returned
   * @param user uses the directory, which is gone afterwards
   */
  static void withPerLoaderCopy(Path libraries, Consumer<Path> user) {
    Path real = Objects.requireNonNull(libraries.getParent());
    try (HostLock shared = HostLock.take(lock(real), HostLock.Mode.SHARED)) {
      Path copy = Files.createTempDirectory(real, PER_LOADER_COPY, PrivateDirectory.ATTRIBUTE);
      try {
        linkLibraries(libraries, copy);
        user.accept(copy);
      } finally {
        PrivateDirectory.delete(copy);
      }
    } catch (InterruptedIOException e) {
      throw interrupted(cannotLend(libraries), e);
    } catch (IOException e) {
      throw cannotLend(libraries)
          .found("%s", reason(e))
          .causedBy(e)
          .expected("a directory that this user can write");
    }
  }

  private static void linkLibraries(Path libraries, Path copy) throws IOException {
    try (DirectoryStream<Path> files = Files.newDirectoryStream(libraries)) {
      for (Path file : files) {
        Path name = copy.resolve(file.getFileName());
        if (file.getFileName().toString().startsWith("libjni")) {
          Files.copy(file, name);
        } else {
          Files.createLink(name, file);
        }
      }
    }
  }

  private CannotMessage cannotExtract() {
    return TensorArrowException.cannot(
        ErrorCode.TA_NATIVES, "extract TensorFlow's libraries to '%s'", base);
  }

  private static CannotMessage cannotLend(Path libraries) {
    return TensorArrowException.cannot(
        ErrorCode.TA_NATIVES,
        "share TensorFlow's libraries in '%s' with another class loader",
        libraries);
  }

  private static TensorArrowException interrupted(
      CannotMessage message, InterruptedIOException cause) {
    return message.found("the task interrupted").causedBy(cause).expected("it to run on");
  }

  private static String reason(IOException e) {
    if (e instanceof AccessDeniedException denied) {
      return "no permission for " + denied.getFile();
    }
    if (e instanceof FileSystemException file && file.getReason() != null) {
      return file.getReason() + " (" + file.getFile() + ")";
    }
    // A message alone may be no more than a path.
    return e.toString();
  }
}
