package io.tensorarrow.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Benchmarks that are PySpark programs: Spark's own launcher runs them with the packaged jar, and
 * the tables that they leave are published here. Their Python environment and their models are made
 * first where they are missing.
 */
final class PySparkPrograms {
  private static final Path PROJECT = path("bench.project");
  private static final Path TARGET = path("bench.target");
  private static final Path JAR = path("bench.jar");
  private static final Path SCRIPTS = PROJECT.resolve("src/bench/python");
  private static final Path MODULE = PROJECT.resolve("../connector/src/main/python").normalize();
  private static final Path ENVIRONMENTS = TARGET.resolve("python");
  private static final Path PYTHON = ENVIRONMENTS.resolve("bench/bin/python");
  private static final Path MODELS = TARGET.resolve("bench/models");
  private static final String CASES = System.getProperty("bench.cases", "");
  private static final Path WORK = TARGET.resolve("bench/work");

  private PySparkPrograms() {}

  /** Runs {@code bench_<name>.py}, and publishes its tables. */
  static void run(String name, List<String> tables) throws IOException {
    if (!CASES.isEmpty() && !System.getProperty("bench.docs", "").isEmpty()) {
      throw new IllegalArgumentException("the documentation's tables have all cases, not " + CASES);
    }
    prepare();
    for (String table : tables) {
      Files.deleteIfExists(tsv(table));
    }
    run(
        List.of(
            ENVIRONMENTS.resolve("spark/pyspark/bin/spark-submit").toString(),
            "--master",
            "local[2]",
            "--driver-memory",
            "4g",
            "--jars",
            JAR.toString(),
            SCRIPTS.resolve("bench_" + name + ".py").toString()));
    for (String table : tables) {
      publish(table);
    }
  }

  private static void prepare() throws IOException {
    Files.createDirectories(MODELS);
    Files.createDirectories(WORK);
    run(
        List.of(
            "bash",
            PROJECT.resolve("src/test/python/make_venvs.sh").toString(),
            ENVIRONMENTS.toString(),
            "bench"));
    run(
        List.of(
            PYTHON.toString(),
            SCRIPTS.resolve("make_python_bench_models.py").toString(),
            MODELS.toString()));
    // Unpacks TensorFlow's libraries, which no first round should have to do.
    Models.lease(Models.reference(Subject.ALL.get(0).model())).close();
  }

  private static void run(List<String> command) throws IOException {
    ProcessBuilder builder = new ProcessBuilder(command).inheritIO();
    Map<String, String> variables = builder.environment();
    variables.put("BENCH_WORK", WORK.toString());
    variables.put("BENCH_MODELS", MODELS.toString());
    variables.put("BENCH_ROUNDS", System.getProperty("bench.rounds"));
    variables.put("BENCH_CASES", CASES);
    variables.put("JAVA_HOME", System.getProperty("java.home"));
    variables.put("PYSPARK_PYTHON", PYTHON.toString());
    variables.put("PYSPARK_DRIVER_PYTHON", PYTHON.toString());
    // Not the jar, which Python would search for what stock Spark's workers import.
    variables.put("PYTHONPATH", MODULE + ":" + SCRIPTS);
    variables.put("PYTHONPYCACHEPREFIX", WORK.resolve("pycache").toString());
    variables.put("SPARK_LOCAL_IP", "127.0.0.1");
    // Else the first model of a process would decide on the threads of all others.
    variables.put("TF_OVERRIDE_GLOBAL_THREADPOOL", "1");
    Process process = builder.start();
    try {
      int exitCode = process.waitFor();
      if (exitCode != 0) {
        throw new IllegalStateException(command + " ended with " + exitCode);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    } finally {
      process.destroy();
    }
  }

  private static void publish(String table) throws IOException {
    List<List<String>> rows = new ArrayList<>();
    for (String line : Files.readAllLines(tsv(table))) {
      rows.add(List.of(line.split("\t", -1)));
    }
    Figures figures = new Figures(table, rows.get(0));
    rows.stream().skip(1).forEach(figures::row);
    figures.publish();
  }

  private static Path tsv(String table) {
    return WORK.resolve(table + ".tsv");
  }

  private static Path path(String property) {
    return Path.of(System.getProperty(property)).toAbsolutePath().normalize();
  }
}
