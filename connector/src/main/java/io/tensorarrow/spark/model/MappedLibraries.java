package io.tensorarrow.spark.model;

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

  private MappedLibraries() {}

  /** Returns the libraries that were loaded from the directory. */
  static List<Path> below(Path directory) {
    return all().stream().filter(file -> file.startsWith(directory)).toList();
  }

  /** Returns the libraries that were loaded from anywhere else. */
  static List<Path> notBelow(Path directory) {
    return all().stream().filter(file -> !file.startsWith(directory)).toList();
  }

  private static List<Path> all() {
    try (Stream<String> lines = Files.lines(MAPS)) {
      return lines
          .filter(line -> line.contains("/"))
          .map(line -> line.substring(line.indexOf('/')))
          .filter(file -> file.contains("/libtensorflow_") && !file.endsWith("(deleted)"))
          .distinct()
          .map(Path::of)
          .toList();
    } catch (IOException e) {
      // Not Linux, or not to be read: TensorFlow itself then tells if something is wrong.
      return List.of();
    }
  }
}
