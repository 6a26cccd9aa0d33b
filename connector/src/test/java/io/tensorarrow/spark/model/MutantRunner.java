package io.tensorarrow.spark.model;

import io.tensorarrow.spark.testing.ChildJvm;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/**
 * Runs models one after the other in a {@link MutantProbe}, and starts another when one dies or
 * hangs.
 */
final class MutantRunner implements AutoCloseable {
  private static final int SECONDS_TO_START = 120;
  private static final int SECONDS_TO_RUN = 20;
  private static final List<String> OPTIONS =
      List.of(
          "-XX:+UseSerialGC",
          "-XX:CompressedClassSpaceSize=64m",
          "-XX:-CreateCoredumpOnCrash",
          "-XX:ErrorFile=/dev/null",
          "-XX:ReservedCodeCacheSize=64m");

  private Optional<Child> child = Optional.empty();

  /** A process, the lines that it printed, and whether that was all. */
  private record Child(Process process, BlockingQueue<Optional<String>> lines) {}

  /**
   * Runs a model.
   *
   * @return {@code ok}, {@code error} and a message, {@code hung}, or how the process ended and the
   *     last that it printed
   */
  String run(Path model) throws IOException, InterruptedException {
    if (child.isEmpty()) {
      child = Optional.of(start());
      answer(child.get(), SECONDS_TO_START);
    }
    Child running = child.get();
    String answer;
    try {
      running.process().outputWriter(StandardCharsets.UTF_8).append(model + "\n").flush();
      answer = answer(running, SECONDS_TO_RUN);
    } catch (IOException e) {
      answer = "ended with " + running.process().waitFor() + " after the answer before";
    }
    if (!running.process().isAlive()) {
      child = Optional.empty();
    }
    return answer;
  }

  private static String answer(Child running, int seconds) throws InterruptedException {
    String last = "";
    while (true) {
      Optional<String> line = running.lines().poll(seconds, TimeUnit.SECONDS);
      if (line == null) {
        running.process().destroyForcibly().waitFor();
        return "hung after " + last;
      }
      if (line.isEmpty()) {
        return "ended with " + running.process().waitFor() + " after " + last;
      }
      if (line.get().startsWith(MutantProbe.ANSWER)) {
        return line.get().substring(MutantProbe.ANSWER.length());
      }
      if (!line.get().isBlank() && !line.get().startsWith("#")) {
        last = line.get();
      }
    }
  }

  private static Child start() throws IOException {
    Process process = ChildJvm.startLimited(OPTIONS, MutantProbe.class);
    BlockingQueue<Optional<String>> lines = new LinkedBlockingQueue<>();
    Thread reader =
        new Thread(
            () -> {
              try (BufferedReader output = process.inputReader(StandardCharsets.UTF_8)) {
                output.lines().forEach(line -> lines.add(Optional.of(line)));
              } catch (IOException e) {
                throw new UncheckedIOException(e);
              } finally {
                lines.add(Optional.empty());
              }
            });
    reader.setDaemon(true);
    reader.start();
    return new Child(process, lines);
  }

  @Override
  public void close() {
    child.ifPresent(running -> running.process().destroyForcibly());
  }
}
