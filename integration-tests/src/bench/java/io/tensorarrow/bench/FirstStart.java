package io.tensorarrow.bench;

import io.tensorarrow.spark.model.ModelReference;
import java.io.File;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * How long a new process waits for its first model: where TensorFlow's libraries have to be
 * extracted, and where another process of the host did so before.
 */
final class FirstStart {
  private FirstStart() {}

  static void run() throws IOException {
    Path natives = Files.createTempDirectory("natives");
    try {
      Figures figures = new Figures("start", List.of("TensorFlow's libraries", "first model, s"));
      figures.row(List.of("extracted", seconds(natives)));
      figures.row(List.of("there already", seconds(natives)));
      figures.publish();
    } finally {
      delete(natives);
    }
  }

  private static String seconds(Path natives) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
    command.add("-classpath");
    command.add(System.getProperty("java.class.path"));
    command.add(FirstStart.class.getName());
    command.add(natives + File.separator + "user");
    Process process =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD).start();
    String output =
        new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
    double nanos = Double.parseDouble(output.lines().reduce("", (first, last) -> last));
    return String.format(Locale.ROOT, "%.1f", nanos / 1e9);
  }

  /** Prints how many nanoseconds the first model of this process takes. */
  public static void main(String[] directory) {
    ModelReference model = Models.reference(Subject.ALL.get(0).model());
    long start = System.nanoTime();
    Models.lease(model, Optional.of(Path.of(directory[0]))).close();
    System.out.println(System.nanoTime() - start);
  }

  private static void delete(Path directory) throws IOException {
    try (Stream<Path> files = Files.walk(directory)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }
}
