package io.tensorarrow.spark.host;

import java.nio.file.FileSystemException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;

/** Names of files, which not every process can write: containers often have no UTF-8 locale. */
public final class LocalName {
  /** What is expected instead of a name that this process can't write, for error messages. */
  public static final String EXPECTED =
      "a UTF-8 locale, as LC_ALL=C.UTF-8 sets it (for executors with spark.executorEnv.LC_ALL)";

  private LocalName() {}

  /**
   * Returns the path of a name below a directory.
   *
   * @throws FileSystemException if this process can't write the name
   */
  public static Path below(Path directory, String name) throws FileSystemException {
    try {
      return directory.resolve(name);
    } catch (InvalidPathException e) {
      throw new FileSystemException(name, null, unencodable() + "; expected " + EXPECTED);
    }
  }

  /**
   * Returns a name as a path.
   *
   * @throws FileSystemException if this process can't write the name
   */
  public static Path of(String name) throws FileSystemException {
    return below(Path.of(""), name);
  }

  /** Returns what is wrong with a name that this process can't write, for error messages. */
  public static String unencodable() {
    return "a name that the encoding "
        + System.getProperty("sun.jnu.encoding")
        + " of this process does not have";
  }
}
