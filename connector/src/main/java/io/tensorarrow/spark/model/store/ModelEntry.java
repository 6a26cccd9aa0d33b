package io.tensorarrow.spark.model.store;

/**
 * A file or directory of a model.
 *
 * @param name its path below the model's directory, with slashes; empty for the directory itself
 * @param kind what it is
 * @param size bytes, for a file
 * @param modified milliseconds since 1970, for a file
 */
public record ModelEntry(String name, Kind kind, long size, long modified) {
  /** What a directory may contain. */
  public enum Kind {
    /** A regular file inside the directory, or a link to one. */
    FILE,
    /** A directory inside the directory, or a link to one. */
    DIRECTORY,
    /** A link that leads out of the model's directory. */
    OUTSIDE,
    /** A pipe, a device, a link to nothing. */
    OTHER
  }

  /** Returns whether it is a regular file. */
  public boolean isFile() {
    return kind == Kind.FILE;
  }

  /** Returns whether it is a directory. */
  public boolean isDirectory() {
    return kind == Kind.DIRECTORY;
  }
}
