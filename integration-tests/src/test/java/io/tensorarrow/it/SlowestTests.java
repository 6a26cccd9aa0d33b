package io.tensorarrow.it;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Prints the test classes that took longest, and the sum of each module, from the reports of
 * Surefire and Failsafe. The build runs this file by itself behind the integration tests, also
 * where some of them failed. Modules without reports are left out, and so are reports of classes
 * that do not exist any more.
 */
final class SlowestTests {
  private static final int LIMIT = 10;
  private static final Pattern SUITE = Pattern.compile("<testsuite\\b[^>]*>");
  private static final Pattern NAME = Pattern.compile("\\sname=\"([^\"]*)\"");
  private static final Pattern SECONDS = Pattern.compile("\\stime=\"([0-9.,]+)\"");

  private SlowestTests() {}

  private record TestClass(String name, double seconds) {}

  /**
   * Prints the report.
   *
   * @param arguments the directories of the modules
   */
  public static void main(String[] arguments) throws IOException {
    List<TestClass> testClasses = new ArrayList<>();
    List<String> sums = new ArrayList<>();
    for (String module : arguments) {
      Path classes = Path.of(module, "target", "test-classes");
      for (String reports : List.of("surefire-reports", "failsafe-reports")) {
        List<TestClass> reported = read(Path.of(module, "target", reports), classes);
        if (!reported.isEmpty()) {
          double sum = reported.stream().mapToDouble(TestClass::seconds).sum();
          String title = "%s, %s".formatted(Path.of(module).getFileName(), reports);
          sums.add(line(sum, "%s: %d classes".formatted(title, reported.size())));
          testClasses.addAll(reported);
        }
      }
    }
    if (testClasses.isEmpty()) {
      return;
    }
    System.out.println("Slowest test classes, in seconds. Some run at the same time:");
    testClasses.stream()
        .sorted(Comparator.comparingDouble(TestClass::seconds).reversed())
        .limit(LIMIT)
        .forEach(testClass -> System.out.println(line(testClass.seconds(), testClass.name())));
    System.out.println("Sums:");
    sums.forEach(System.out::println);
  }

  private static List<TestClass> read(Path directory, Path classes) throws IOException {
    if (!Files.isDirectory(directory)) {
      return List.of();
    }
    List<TestClass> testClasses = new ArrayList<>();
    try (Stream<Path> files = Files.list(directory)) {
      for (Path file : files.sorted().toList()) {
        if (file.getFileName().toString().matches("TEST-.*\\.xml")) {
          addTo(testClasses, Files.readString(file), classes);
        }
      }
    }
    return testClasses;
  }

  /** Adds a report's class, unless the report is incomplete or the class is gone. */
  private static void addTo(List<TestClass> testClasses, String report, Path classes) {
    Matcher suite = SUITE.matcher(report);
    if (suite.find()) {
      Matcher name = NAME.matcher(suite.group());
      Matcher seconds = SECONDS.matcher(suite.group());
      if (name.find()
          && seconds.find()
          && Files.exists(classes.resolve(name.group(1).replace('.', '/') + ".class"))) {
        // The reports group digits: 1,067.469.
        double time = Double.parseDouble(seconds.group(1).replace(",", ""));
        testClasses.add(new TestClass(name.group(1), time));
      }
    }
  }

  private static String line(double seconds, String text) {
    return String.format(Locale.ROOT, "%9.1f  %s", seconds, text);
  }
}
