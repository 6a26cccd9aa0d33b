package io.tensorarrow.spark.host;

import com.sun.security.auth.module.UnixSystem;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Directories of this host that no other user can write, for what this process runs or trusts.
 *
 * <p>Thread-safe.
 */
public final class PrivateDirectory {
  /** Permissions for new files and directories. */
  public static final FileAttribute<Set<PosixFilePermission>> ATTRIBUTE =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));

  private static final long ROOT = 0;

  /** Why others could change a directory, in the words of an error message. */
  public record Weakness(String found, String expected) {}

  private PrivateDirectory() {}

  /**
   * Returns where a process of this user puts what it keeps by default: the user's cache directory
   * if it can be written, else one below the directory for temporary files.
   *
   * @param xdgCacheHome the environment's variable of that name, or null
   */
  public static Path ofUser(@Nullable String xdgCacheHome) {
    Path cache =
        xdgCacheHome != null && Path.of(xdgCacheHome).isAbsolute()
            ? Path.of(xdgCacheHome)
            : Path.of(System.getProperty("user.home"), ".cache");
    Path parent = existing(cache);
    return cache.isAbsolute() && Files.isDirectory(parent) && Files.isWritable(parent)
        ? cache.resolve("tensorarrow")
        : Path.of(
            System.getProperty("java.io.tmpdir"), "tensorarrow-" + System.getProperty("user.name"));
  }

  /**
   * Makes a directory, private if it is new.
   *
   * @return its real path
   * @throws IOException if it can't be made, or is none
   */
  public static Path create(Path directory) throws IOException {
    Files.createDirectories(directory, ATTRIBUTE);
    return directory.toRealPath();
  }

  /**
   * Checks that only this user or the system's administrator can change what is in a directory.
   *
   * @param real the directory's real path
   * @return empty if that is so
   */
  public static Optional<Weakness> weakness(Path real) throws IOException {
    long owner = ((Integer) Files.getAttribute(real, "unix:uid")).longValue();
    long self = new UnixSystem().getUid();
    if (owner != self && owner != ROOT) {
      return Optional.of(
          new Weakness("it owned by user id " + owner, self + ", who runs this process"));
    }
    Set<PosixFilePermission> permissions = Files.getPosixFilePermissions(real);
    if (permissions.contains(PosixFilePermission.GROUP_WRITE)
        || permissions.contains(PosixFilePermission.OTHERS_WRITE)) {
      return Optional.of(
          new Weakness(
              "permissions "
                  + PosixFilePermissions.toString(permissions)
                  + ", so that others could change what lies there",
              "rwx------"));
    }
    return Optional.empty();
  }

  /** Deletes a directory with all that is in it, if it exists. */
  public static void delete(Path directory) throws IOException {
    if (!Files.exists(directory, LinkOption.NOFOLLOW_LINKS)) {
      return;
    }
    List<Path> files = new ArrayList<>();
    try (Stream<Path> walk = Files.walk(directory)) {
      walk.forEach(files::add);
    }
    for (int i = files.size() - 1; i >= 0; i--) {
      Files.delete(files.get(i));
    }
  }

  private static Path existing(Path path) {
    Path candidate = path;
    while (!Files.exists(candidate) && candidate.getParent() != null) {
      candidate = candidate.getParent();
    }
    return candidate;
  }
}
