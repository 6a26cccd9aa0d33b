package io.tensorarrow.spark.sql.guards;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.util.Locale;
import java.util.Objects;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;

/**
 * A file or directory, comparable with others however it was written: with its file system, and
 * without symbolic links where that is the local one. Immutable.
 */
record FileLocation(String scheme, String authority, String path) {
  /** Returns the location of a path as a command or a table names it. */
  static FileLocation of(Path path, Configuration conf) {
    URI uri = qualified(path, conf).toUri();
    String scheme = Objects.requireNonNullElse(uri.getScheme(), "").toLowerCase(Locale.ROOT);
    return new FileLocation(
        scheme,
        Objects.requireNonNullElse(uri.getAuthority(), ""),
        scheme.equals("file") ? withoutLinks(uri.getPath()) : uri.getPath());
  }

  /** Returns whether this is the other one, or is below it. */
  boolean isIn(FileLocation other) {
    return scheme.equals(other.scheme)
        && authority.equals(other.authority)
        && directory(path).startsWith(directory(other.path));
  }

  private static String directory(String path) {
    return path.endsWith(Path.SEPARATOR) ? path : path + Path.SEPARATOR;
  }

  private static Path qualified(Path path, Configuration conf) {
    try {
      return path.getFileSystem(conf).makeQualified(path);
    } catch (IOException e) {
      // A table format may have files where Hadoop has no file system: such a path is qualified.
      return path;
    }
  }

  private static String withoutLinks(String path) {
    java.nio.file.Path local = java.nio.file.Path.of(path);
    try {
      return Files.exists(local) ? local.toRealPath().toString() : path;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
