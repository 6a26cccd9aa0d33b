package io.tensorarrow.spark.model.natives;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * TensorFlow's libraries that are in this process already, whichever class loader loaded them.
 * Known on Linux only; elsewhere there seem to be none.
 */
final class MappedLibraries {
  private static final Path MAPS = Path.of("/proc/self/maps");

  /** What Linux appends to the name of a file that is gone while its memory is still in use. */
  private static final String DELETED = " (deleted)";

  private MappedLibraries() {}

  /** Returns the libraries that were loaded from the directory and still are there. */
  static List<Path> below(Path directory) {
    return mapped().stream().filter(file -> isBelow(file, directory)).toList();
  }

  /** Returns the libraries that were loaded from files which are elsewhere or are gone. */
  static List<Path> notBelow(Path directory) {
    return mapped().stream().filter(file -> !isBelow(file, directory)).toList();
  }

  private static boolean isBelow(Path file, Path directory) {
    return file.startsWith(directory) && !file.toString().endsWith(DELETED);
  }

  private static List<Path> mapped() {
    try (Stream<String> lines = Files.lines(MAPS)) {
      return lines
          .filter(line -> line.contains("/"))
          .map(line -> line.substring(line.indexOf('/')))
          .filter(file -> file.contains("/libtensorflow_"))
          .distinct()
          .map(Path::of)
          .toList();
    } catch (IOException e) {
      // Not Linux, or not readable: TensorFlow itself then reports what is wrong.
      return List.of();
    }
  }
}
