package io.tensorarrow.it;

import static org.junit.jupiter.params.provider.Arguments.arguments;

import io.tensorarrow.it.Installation.Environment;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** What PySpark users do, in PySpark itself. Each script asserts what its name says. */
class PySparkIT {
  private static final Set<String> OPTIMIZED = Set.of("it_crash", "it_inplace");

  static Stream<Arguments> scriptsInEnvironments() {
    // What depends on the versions of NumPy and pyarrow runs with the oldest ones, too.
    Stream<String> withBoth =
        Stream.of(
            "it_queries",
            "it_arrays",
            "it_features",
            "it_handover",
            "it_inplace",
            "it_replies",
            "it_scalar",
            "it_variables");
    Stream<String> withNewest =
        Stream.of(
            "it_crash",
            "it_differential",
            "it_reasons",
            "it_promises",
            "it_errors",
            "it_elision",
            "it_reads");
    return Stream.concat(
        withNewest.map(script -> arguments(script, Environment.NEWEST)),
        withBoth.flatMap(
            script -> Arrays.stream(Environment.values()).map(e -> arguments(script, e))));
  }

  @Execution(ExecutionMode.CONCURRENT)
  @ParameterizedTest(name = "{0} with the {1} packages")
  @MethodSource("scriptsInEnvironments")
  void holds(String script, Environment environment) {
    String file = Installation.SCRIPTS.resolve(script + ".py").toString();
    String jar = Installation.JAR.toString();
    List<String> submitted =
        List.of("--master", "local[2]", "--jars", jar, "--py-files", jar, file);

    Program program = Program.sparkSubmit(script + "-" + environment, environment, submitted);
    (OPTIMIZED.contains(script) ? program.optimized() : program).runsAndSays("OK " + script);
  }
}
