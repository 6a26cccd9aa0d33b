package io.tensorarrow.it;

import static org.junit.jupiter.params.provider.Arguments.arguments;

import io.tensorarrow.it.Installation.Environment;
import java.util.stream.Stream;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What PySpark users do, in PySpark itself.
 *
 * <p>Files whose checks need the same session run in one process. What depends on the versions of
 * NumPy, pandas and pyarrow runs with the oldest packages, too.
 */
@Execution(ExecutionMode.CONCURRENT)
class PySparkIT {
  static Stream<Arguments> processes() {
    return Stream.of(
        process(
            "python", Environment.NEWEST, "it_scalar.py", "it_promises.py", "it_differential.py"),
        process(
            "oldest",
            Environment.OLDEST,
            "it_variables.py",
            "it_features.py",
            "it_errors.py",
            "it_handover.py",
            "it_replies.py",
            "it_inplace.py",
            "it_arrays.py",
            "it_scalar.py",
            "-m",
            "packages"),
        process(
            "session",
            Environment.NEWEST,
            // The first two before any check that loads TensorFlow.
            "it_variables.py",
            "it_elision.py",
            "it_queries.py",
            "it_features.py",
            "it_errors.py",
            "it_handover.py",
            "it_replies.py",
            "it_reasons.py",
            "it_arrays.py",
            "it_zoo.py",
            "it_reads.py"),
        optimized("memory", "it_inplace.py", "it_crash.py"));
  }

  private static Arguments process(String name, Environment environment, String... pytest) {
    return arguments(name, Checks.local("pyspark-" + name, environment, pytest));
  }

  /** Of what depends on the order in which processes see memory change. */
  private static Arguments optimized(String name, String... pytest) {
    Program program = Checks.local("pyspark-" + name, Environment.NEWEST, pytest);
    return arguments(name, program.optimized());
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("processes")
  void passesItsChecks(String name, Program program) {
    Checks.pass(program);
  }
}
