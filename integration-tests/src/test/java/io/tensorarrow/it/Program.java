package io.tensorarrow.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.tensorarrow.it.Installation.Environment;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Predicate;

/**
 * A program to run: its command and its surroundings, of which nothing but the user's home and path
 * comes from the machine. Immutable.
 *
 * @param name what its directory and its log are called
 * @param command the program and its arguments
 * @param environment variables on top of the common ones
 */
record Program(String name, List<String> command, Map<String, String> environment) {
  private static final Duration LIMIT = Duration.ofMinutes(15);
  private static final String JVM_OPTIONS = "JDK_JAVA_OPTIONS";
  private static final String FOR_SHORT_RUNS = "-XX:+UseSerialGC -XX:TieredStopAtLevel=1";
  private static final String SHARED_CLASSES =
      "-XX:SharedArchiveFile=" + Installation.CLASS_ARCHIVE + " -Xlog:cds*=off";
  private static final List<String> FROM_THE_MACHINE = List.of("HOME", "PATH", "LANG", "TMPDIR");

  Program {
    command = List.copyOf(command);
    environment = Map.copyOf(environment);
  }

  /** What a program left behind. */
  record Result(int exitCode, String output) {}

  /** Makes a program that a Python environment's interpreter runs. */
  static Program python(String name, Environment environment, String... arguments) {
    return of(name, environment.program("python"), arguments).with(pythonVariables(environment));
  }

  /** Makes a program that Spark's own launcher starts. */
  static Program sparkSubmit(String name, Environment environment, List<String> arguments) {
    return of(name, Installation.sparkProgram("spark-submit"), arguments.toArray(new String[0]))
        .with(pythonVariables(environment));
  }

  /** Makes a program out of an executable and its arguments. */
  static Program of(String name, String executable, String... arguments) {
    List<String> command = new ArrayList<>();
    command.add(executable);
    command.addAll(List.of(arguments));
    return new Program(name, command, Map.of());
  }

  private static Map<String, String> pythonVariables(Environment environment) {
    return Map.of(
        "PYSPARK_PYTHON", environment.program("python"),
        "PYSPARK_DRIVER_PYTHON", environment.program("python"));
  }

  /** Returns the same program with more variables. */
  Program with(Map<String, String> variables) {
    Map<String, String> all = new LinkedHashMap<>(environment);
    all.putAll(variables);
    return new Program(name, command, all);
  }

  /**
   * Returns the same program with JVMs as in production, for what depends on the order in which
   * processes see memory change. Others do without the compiler that takes a core for long.
   */
  Program optimized() {
    return with(Map.of(JVM_OPTIONS, SHARED_CLASSES));
  }

  /** Returns the same program as one that another program runs. */
  Program under(String... other) {
    List<String> all = new ArrayList<>(List.of(other));
    all.addAll(command);
    return new Program(name, all, environment);
  }

  /** Runs it to its end, and checks that it ended well with the given line in its output. */
  void assertPrints(String line) {
    Result result = run();
    assertThat(result.exitCode()).as(result.output()).isZero();
    assertThat(result.output().lines().toList()).as(result.output()).contains(line);
  }

  /** Runs it to its end, or kills it and all it started when it takes too long. */
  Result run() {
    try (Running running = start()) {
      return running.await(LIMIT);
    }
  }

  /** Starts it. The caller closes what is returned, which kills what still runs. */
  Running start() {
    Path directory = Installation.workDirectory(name);
    Path log = directory.resolve("output.log");
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .directory(Installation.REPOSITORY.toFile())
            .redirectErrorStream(true)
            .redirectOutput(log.toFile());
    Map<String, String> variables = builder.environment();
    variables.keySet().retainAll(FROM_THE_MACHINE);
    variables.put("JAVA_HOME", System.getProperty("java.home"));
    variables.put(JVM_OPTIONS, FOR_SHORT_RUNS + " " + SHARED_CLASSES);
    variables.put("SPARK_LOCAL_IP", "127.0.0.1");
    variables.put("SPARK_LOCAL_DIRS", directory.resolve("local").toString());
    variables.put("SPARK_LOG_DIR", directory.toString());
    variables.put("PYTHONDONTWRITEBYTECODE", "1");
    variables.put("PYTHONUNBUFFERED", "1");
    variables.put("IT_WORK", directory.toString());
    variables.put("IT_JAR", Installation.JAR.toString());
    variables.put("IT_NATIVES", Installation.NATIVES.toString());
    variables.putAll(environment);
    try {
      return new Running(builder.start(), log);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A program that was started. Closing it kills it and all that it started. */
  record Running(Process process, Path log) implements AutoCloseable {
    private static final Duration POLL = Duration.ofMillis(100);
    private static final Duration GRACE = Duration.ofSeconds(20);

    /** Returns what it has written so far. */
    String output() {
      try {
        return Files.readString(log, StandardCharsets.UTF_8);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    /** Waits for its end. */
    Result await(Duration limit) {
      try {
        boolean ended = process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS);
        assertThat(ended).as("ends within %s: %s", limit, output()).isTrue();
        return new Result(process.exitValue(), output());
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IllegalStateException(e);
      }
    }

    /** Waits for a line of its output, and returns the first that fits. */
    String awaitLine(Duration limit, Predicate<String> wanted) {
      long end = System.nanoTime() + limit.toNanos();
      while (System.nanoTime() < end && process.isAlive()) {
        var found = output().lines().filter(wanted).findFirst();
        if (found.isPresent()) {
          return found.get();
        }
        sleep();
      }
      throw new AssertionError("The expected line did not come: " + output());
    }

    private static void sleep() {
      try {
        Thread.sleep(POLL.toMillis());
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IllegalStateException(e);
      }
    }

    @Override
    public void close() {
      List<ProcessHandle> all = new ArrayList<>(process.descendants().toList());
      all.add(process.toHandle());
      all.forEach(ProcessHandle::destroy);
      for (ProcessHandle handle : all) {
        try {
          handle.onExit().get(GRACE.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
          handle.destroyForcibly();
        } catch (ExecutionException | TimeoutException e) {
          handle.destroyForcibly();
        }
      }
    }
  }
}
