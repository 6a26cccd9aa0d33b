package io.tensorarrow.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.tensorarrow.it.Installation.Environment;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Assumptions;

/**
 * Checks in Python, which pytest runs; {@code conftest.py} says how to run one alone.
 *
 * <p>{@code -Dit.check=EXPRESSION} runs only those whose names match, as pytest's option {@code -k}
 * does. {@code -Dtensorarrow.nightly=true} draws more random queries.
 */
final class Checks {
  private static final String ONLY = System.getProperty("it.check", "");
  private static final boolean NIGHTLY = Boolean.getBoolean("tensorarrow.nightly");
  private static final String NIGHTLY_ROUNDS = "20";
  private static final int NOTHING_SELECTED = 5;

  private Checks() {}

  /**
   * Makes a program that runs checks inside a session with the jar and its module, on a local
   * master. Its Python workers start at once; see {@code preloaded_daemon.py}.
   *
   * @param arguments pytest's; files of checks by their names
   */
  static Program local(String name, Environment environment, String... arguments) {
    String jar = Installation.JAR.toString();
    List<String> spark = List.of("--master", "local[2]", "--jars", jar, "--py-files", jar);
    return submitted(name, environment, spark, arguments)
        .with(Map.of("PYTHONPATH", Installation.SCRIPTS.resolve("daemon").toString()));
  }

  /**
   * Makes a program that runs checks, which Spark's launcher starts.
   *
   * @param spark the launcher's arguments
   * @param arguments pytest's; files of checks by their names
   */
  static Program submitted(
      String name, Environment environment, List<String> spark, String... arguments) {
    List<String> all = new ArrayList<>(spark);
    all.add(Installation.SCRIPTS.resolve("run_checks.py").toString());
    all.addAll(pytest(arguments));
    return Program.sparkSubmit(name, environment, all).with(variables());
  }

  /**
   * Makes a program that runs checks, which a Python interpreter starts.
   *
   * @param arguments pytest's; files of checks by their names
   */
  static Program inPython(String name, String interpreter, String... arguments) {
    List<String> all = new ArrayList<>(List.of("-m", "pytest"));
    all.addAll(pytest(arguments));
    return Program.of(name, interpreter, all.toArray(new String[0]))
        .with(Map.of("PYSPARK_PYTHON", interpreter, "PYSPARK_DRIVER_PYTHON", interpreter))
        .with(variables());
  }

  private static List<String> pytest(String... arguments) {
    List<String> all = new ArrayList<>();
    for (String argument : arguments) {
      boolean isFile = argument.endsWith(".py");
      all.add(isFile ? Installation.SCRIPTS.resolve(argument).toString() : argument);
    }
    if (!ONLY.isEmpty()) {
      all.addAll(List.of("-k", ONLY));
    }
    return all;
  }

  private static Map<String, String> variables() {
    return NIGHTLY ? Map.of("IT_ROUNDS", NIGHTLY_ROUNDS) : Map.of();
  }

  /** Runs a program of checks to its end; fails with the list of those that failed. */
  static void pass(Program program) {
    assertPassed(program.run());
  }

  /** Fails with the list of the checks that failed, and their tracebacks. */
  static void assertPassed(Program.Result result) {
    if (!ONLY.isEmpty() && result.exitCode() == NOTHING_SELECTED) {
      // Shown as skipped: of several classes only some have the check.
      Assumptions.abort("no check matches " + ONLY);
    }
    List<String> failed =
        result.output().lines().filter(line -> line.matches("(FAILED|ERROR) .*\\.py::.*")).toList();
    assertThat(failed).as(() -> tracebacks(result.output())).isEmpty();
    assertThat(result.exitCode()).as(result.output()).isZero();
  }

  /** Returns what pytest says of failures, without what comes before. */
  private static String tracebacks(String output) {
    List<String> lines = output.lines().toList();
    int first = 0;
    while (first < lines.size() && !lines.get(first).matches("=+ (FAILURES|ERRORS) =+")) {
      first++;
    }
    return first == lines.size() ? output : String.join("\n", lines.subList(first, lines.size()));
  }
}
