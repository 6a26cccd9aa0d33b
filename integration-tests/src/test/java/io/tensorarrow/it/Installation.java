package io.tensorarrow.it;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Objects;

/** Where the build has put what the tests use. */
final class Installation {
  static final String GROUP = "io.tensorarrow";
  static final String ARTIFACT = property("it.connector.artifact");
  static final String VERSION = property("it.version");

  /** The platform whose native libraries the jar holds, as TensorFlow Java calls it. */
  static final String PLATFORM = property("it.platform");

  /** The repository's root. */
  static final Path REPOSITORY = path("it.repository");

  static final Path README = REPOSITORY.resolve("README.md");

  /** The documentation's pages. */
  static final Path DOCUMENTATION = REPOSITORY.resolve("connector/docs");

  /** The scripts, beside the tests. */
  static final Path SCRIPTS = REPOSITORY.resolve("integration-tests/src/test/python");

  /** Everything that the tests write. */
  static final Path TARGET = path("it.target");

  /** The jar that users get. */
  static final Path JAR = path("it.connector.directory").resolve(ARTIFACT + "-" + VERSION + ".jar");

  /** The pom that users' build tools see. */
  static final Path POM = path("it.connector.directory").resolve("dependency-reduced-pom.xml");

  /** Where Maven keeps what it has downloaded. */
  static final Path MAVEN_REPOSITORY = path("it.maven.repository");

  /** The server for clients of Spark Connect, which Spark 3.5 does not come with. */
  static final Path CONNECT_JAR = TARGET.resolve("spark-connect/spark-connect.jar");

  /** The PySpark that all environments share. */
  static final Path SPARK_HOME = TARGET.resolve("python/spark/pyspark");

  /** Spark's classes as JVMs share them; one that was started with other jars ignores it. */
  static final Path CLASS_ARCHIVE = TARGET.resolve("python/classes/spark.jsa");

  /** Where TensorFlow's native libraries are unpacked, once for all tests. */
  static final Path NATIVES = TARGET.resolve("natives");

  private Installation() {}

  /** The virtual environments, by the age of their packages. */
  enum Environment {
    OLDEST,
    NEWEST;

    /** Returns the environment's directory. */
    Path directory() {
      return TARGET.resolve("python").resolve(name().toLowerCase(Locale.ROOT));
    }

    /** Returns a program of the environment. */
    String program(String name) {
      return directory().resolve("bin").resolve(name).toString();
    }
  }

  /** Returns a program of Spark's. */
  static String sparkProgram(String name) {
    return SPARK_HOME.resolve("bin").resolve(name).toString();
  }

  /** Returns a new empty directory for a test to write into. */
  static Path workDirectory(String name) {
    Path directory = TARGET.resolve("work").resolve(name);
    try {
      delete(directory);
      return Files.createDirectories(directory);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void delete(Path directory) throws IOException {
    if (!Files.exists(directory)) {
      return;
    }
    List<Path> deepestFirst;
    try (var all = Files.walk(directory)) {
      deepestFirst = all.sorted(Comparator.reverseOrder()).toList();
    }
    for (Path path : deepestFirst) {
      Files.delete(path);
    }
  }

  /** Joins search paths. */
  static String joined(Path... paths) {
    return String.join(File.pathSeparator, Arrays.stream(paths).map(Path::toString).toList());
  }

  private static Path path(String property) {
    return Path.of(property(property)).normalize();
  }

  private static String property(String name) {
    return Objects.requireNonNull(System.getProperty(name), name);
  }
}
