package io.tensorarrow.spark.model.store;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.host.HostLock;
import io.tensorarrow.spark.host.Interruption;
import io.tensorarrow.spark.host.PrivateDirectory;
import io.tensorarrow.spark.options.ExecutorSettings;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * This host's copies of remote models, each in a directory named by its fingerprint and made once
 * for all processes of the user. A copy comes into being by a rename, so that nobody sees half of
 * it; who makes, deletes or reads one holds a lock that ends with its process.
 *
 * <p>Thread-safe.
 */
public final class ModelCopies {
  /** Copies that nobody used for so long are deleted when another one is made. */
  static final Duration KEPT_UNUSED = Duration.ofDays(7);

  private static final Logger LOG = LoggerFactory.getLogger(ModelCopies.class);
  private static final String LOCK = ".lock";
  private static final String UNFINISHED = ".unfinished-";
  private static final int ATTEMPTS = 3;

  private final Path base;

  /**
   * Chooses the directory without touching it.
   *
   * @param base an absolute path
   */
  public ModelCopies(Path base) {
    this.base = base;
  }

  /**
   * A model to be copied.
   *
   * @param files where it is
   * @param entries which of the files to copy; regular files only
   */
  public record Original(ModelFiles files, List<ModelEntry> entries) {}

  /** Opens the original, where a copy has to be made. */
  public interface Opening {
    /** Returns the original; its files are closed when they are copied. */
    Original open();
  }

  /**
   * Uses the copy of a model, making it if need be. Waits while another thread or process makes it.
   *
   * @param name names the copy: letters and digits that tell its content
   * @param location where the original is, for messages
   * @param opening opens it; called only to make the copy
   * @param check reads a copy; returns empty if it is not what it should be, so that it is made
   *     again
   * @param use what to do with what {@code check} returned; the copy stays as it is meanwhile
   * @return what {@code use} returned
   * @throws TensorArrowException with {@link ErrorCode#TA_MODEL_FETCH} if the copy can't be made,
   *     or the thread is interrupted; nothing is left behind then, and the next call tries again
   */
  public <C, T> T use(
      String name,
      String location,
      Opening opening,
      Function<Path, Optional<C>> check,
      Function<C, T> use) {
    try {
      Path real = PrivateDirectory.create(base);
      Optional<PrivateDirectory.Weakness> weakness = PrivateDirectory.weakness(real);
      if (weakness.isPresent()) {
        throw ModelCopier.cannotCopy(location)
            .found("%s", weakness.get().found())
            .expected("%s, for directory '%s'", weakness.get().expected(), base);
      }
      Path copy = real.resolve(name);
      Path lock = real.resolve(name + LOCK);
      for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        try (HostLock shared = HostLock.take(lock, HostLock.Mode.SHARED)) {
          Optional<C> checked = check(copy, check);
          if (checked.isPresent()) {
            shared.touch();
            return use.apply(checked.get());
          }
        }
        try (HostLock exclusive = HostLock.take(lock, HostLock.Mode.EXCLUSIVE)) {
          // Another process may have been faster.
          if (check(copy, check).isEmpty()) {
            exclusive.touch();
            deleteUnused(real, name);
            make(real, name, location, opening, check);
          }
        }
      }
      throw ModelCopier.cannotCopy(location)
          .found("its copy in '%s' altered again and again", base)
          .expected("nobody else to write there");
    } catch (IOException | UncheckedIOException | DirectoryIteratorException e) {
      if (Interruption.isCauseOf(e)) {
        Thread.currentThread().interrupt();
        throw ModelCopier.cannotCopy(location)
            .found("the task interrupted")
            .causedBy(e)
            .expected("it to run on");
      }
      throw ModelCopier.cannotCopy(location)
          .found("%s in '%s'", e, base)
          .causedBy(e)
          .expected(
              "a directory on a local disk that this user can write (see %s)",
              ExecutorSettings.MODELS_DIRECTORY.key());
    }
  }

  /**
   * Deletes a copy that turned out to be damaged, so that it is made again. Waits for those who use
   * it.
   */
  public void discard(String name) {
    try {
      Path real = base.toRealPath();
      try (HostLock exclusive = HostLock.take(real.resolve(name + LOCK), HostLock.Mode.EXCLUSIVE)) {
        exclusive.touch();
        PrivateDirectory.delete(real.resolve(name));
      }
      LOG.warn("Deleted damaged copy {} in {}", name, base);
    } catch (IOException | UncheckedIOException e) {
      LOG.warn("Cannot delete damaged copy {} in {}: {}", name, base, e.toString());
    }
  }

  private static <C> Optional<C> check(Path copy, Function<Path, Optional<C>> check) {
    return Files.isDirectory(copy) ? check.apply(copy) : Optional.empty();
  }

  /** Makes the copy; to be called with the exclusive lock. */
  private <C> void make(
      Path real, String name, String location, Opening opening, Function<Path, Optional<C>> check)
      throws IOException {
    Path copy = real.resolve(name);
    Path unfinished =
        Files.createTempDirectory(real, name + UNFINISHED, PrivateDirectory.ATTRIBUTE);
    try {
      try (ModelCopier copier = new ModelCopier(location, opening.open())) {
        copier.requireSpace(real);
        copier.copyTo(unfinished);
        LOG.info("Copied model {} ({} bytes) to {}", location, copier.bytes(), copy);
      }
      if (check.apply(unfinished).isEmpty()) {
        throw ModelCopier.cannotCopy(location)
            .found("other files in the copy than in the original")
            .expected("the original not to change while it is copied (run it again)");
      }
      PrivateDirectory.delete(copy);
      Files.move(unfinished, copy, StandardCopyOption.ATOMIC_MOVE);
    } finally {
      PrivateDirectory.delete(unfinished);
    }
  }

  /**
   * Deletes what nobody used for long, and what processes left that died while they copied. What
   * another one reads or makes is locked. What can't be deleted stays: it is no reason not to copy.
   */
  private static void deleteUnused(Path real, String newName) throws IOException {
    Instant oldest = Instant.now().minus(KEPT_UNUSED);
    for (Path path : children(real, "*" + LOCK)) {
      String file = path.getFileName().toString();
      String name = file.substring(0, file.length() - LOCK.length());
      if (!name.equals(newName) && Files.getLastModifiedTime(path).toInstant().isBefore(oldest)) {
        deleteUnlessLocked(path, real.resolve(name));
      }
    }
    for (Path path : children(real, "*" + UNFINISHED + "*")) {
      String file = path.getFileName().toString();
      String name = file.substring(0, file.indexOf(UNFINISHED));
      if (name.equals(newName)) {
        // This process holds the lock.
        deleteIfPossible(path);
      } else {
        deleteUnlessLocked(real.resolve(name + LOCK), path);
      }
    }
  }

  private static void deleteUnlessLocked(Path lock, Path directory) throws IOException {
    Optional<HostLock> free = HostLock.tryTake(lock, HostLock.Mode.EXCLUSIVE);
    if (free.isPresent()) {
      try (HostLock held = free.get()) {
        deleteIfPossible(directory);
      }
    }
  }

  private static void deleteIfPossible(Path directory) throws InterruptedIOException {
    try {
      PrivateDirectory.delete(directory);
    } catch (IOException | UncheckedIOException e) {
      Interruption.check();
      LOG.warn("Cannot delete unused copy {}: {}", directory, e.toString());
    }
  }

  private static List<Path> children(Path directory, String glob) throws IOException {
    List<Path> children = new ArrayList<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory, glob)) {
      entries.forEach(children::add);
    }
    return children;
  }
}
