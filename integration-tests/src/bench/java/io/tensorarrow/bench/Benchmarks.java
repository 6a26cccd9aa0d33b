package io.tensorarrow.bench;

import java.util.Arrays;
import java.util.List;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.OptionsBuilder;

/**
 * Runs the benchmarks that are named, or all: {@code eager}, {@code loading}, {@code jmh}.
 *
 * <pre>{@code
 * mvn -B -ntp -Pfast,benchmarks -DskipTests verify
 * mvn -B -ntp -Pfast,benchmarks -DskipTests verify -Dbench=eager
 * }</pre>
 */
public final class Benchmarks {
  private Benchmarks() {}

  /** Called by the build. */
  public static void main(String[] names) throws RunnerException {
    List<String> wanted =
        Arrays.stream(names).flatMap(name -> Arrays.stream(name.split(","))).toList();
    for (String name : wanted) {
      switch (name) {
        case "eager" -> EagerAgainstSession.run();
        case "loading" -> Loading.run();
        case "jmh" ->
            new Runner(new OptionsBuilder().include(Strings.class.getSimpleName()).build()).run();
        default -> throw new IllegalArgumentException("no benchmark " + name);
      }
    }
  }
}
