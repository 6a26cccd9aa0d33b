package io.tensorarrow.spark.testing;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Runs a class in a JVM of its own, for what can be tried only once per process. */
public final class ChildJvm {
  private static final int MOST_KILOBYTES = 6 << 20;

  private ChildJvm() {}

  /**
   * What came of it.
   *
   * @param exitCode 0 if all went well
   * @param output what it printed, errors included
   */
  public record Result(int exitCode, String output) {}

  /** Runs a class and waits for its end. */
  public static Result run(List<String> options, Class<?> main, String... args)
      throws IOException, InterruptedException {
    return finish(start(options, Map.of(), main, args));
  }

  /** Starts a class. */
  public static Process start(
      List<String> options, Map<String, String> environment, Class<?> main, String... args)
      throws IOException {
    return start(List.of(), options, environment, main, args);
  }

  /** Starts a class that can't take more than {@value #MOST_KILOBYTES} KiB of addresses. */
  public static Process startLimited(List<String> options, Class<?> main, String... args)
      throws IOException {
    List<String> limit =
        List.of("sh", "-c", "ulimit -v " + MOST_KILOBYTES + "; exec \"$0\" \"$@\"");
    return start(limit, options, Map.of(), main, args);
  }

  /** Starts a class that can't make a file longer than that, as if the disk were full then. */
  public static Process startWithShortFiles(int kilobytes, Class<?> main, String... args)
      throws IOException {
    // The shell counts blocks of 512 bytes.
    List<String> limit = List.of("sh", "-c", "ulimit -f " + 2 * kilobytes + "; exec \"$0\" \"$@\"");
    return start(limit, List.of(), Map.of(), main, args);
  }

  private static Process start(
      List<String> prefix,
      List<String> options,
      Map<String, String> environment,
      Class<?> main,
      String... args)
      throws IOException {
    List<String> command = new ArrayList<>(prefix);
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("-Xmx256m");
    command.addAll(options);
    command.add("-cp");
    command.add(System.getProperty("java.class.path"));
    command.add(main.getName());
    command.addAll(List.of(args));
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().putAll(environment);
    return builder.start();
  }

  /** Waits for the end of a process. */
  public static Result finish(Process process) throws IOException, InterruptedException {
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return new Result(process.waitFor(), output);
  }
}
