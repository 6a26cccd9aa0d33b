package io.tensorarrow.bench;

import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import org.openjdk.jmh.runner.RunnerException;

/**
 * Runs the benchmarks that are named, or all: {@code eager}, {@code loading}, {@code start}, {@code
 * strings}, {@code handover}, {@code opponent}. Each prints tables of the documentation's page on
 * benchmarks, and writes them there if told where the page is.
 *
 * <pre>{@code
 * mvn -B -ntp -Pfast,benchmarks -DskipTests verify
 * mvn -B -ntp -Pfast,benchmarks -DskipTests verify -Dbench=eager,loading
 * mvn -B -ntp -Pfast,benchmarks -DskipTests verify -Dbench=handover -Dbench.cases=8MiB,query
 * mvn -B -ntp -Pfast,benchmarks -DskipTests verify -Dbench.docs=$PWD/connector/docs/benchmarks.md
 * }</pre>
 */
public final class Benchmarks {
  private Benchmarks() {}

  /** Called by the build. */
  public static void main(String[] names) throws IOException, RunnerException {
    List<String> wanted =
        Arrays.stream(names).flatMap(name -> Arrays.stream(name.split(","))).toList();
    for (String name : wanted) {
      switch (name) {
        case "eager" -> EagerAgainstSession.run();
        case "loading" -> Loading.run();
        case "start" -> FirstStart.run();
        case "strings" -> Strings.run();
        case "handover" -> PySparkPrograms.run(name, List.of("handover", "queries"));
        case "opponent" -> PySparkPrograms.run(name, List.of("opponent"));
        default -> throw new IllegalArgumentException("no benchmark " + name);
      }
    }
  }
}
