package io.tensorarrow.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.tensorarrow.it.Installation.Environment;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the README prints works as printed, from the repository's root. */
class ReadmeIT {
  private static final String README = read(Installation.REPOSITORY.resolve("README.md"));

  /** Spark as the quick starts assume it: a session with the connector's jar. */
  private static final List<String> SPARK =
      List.of(
          "--master",
          "local[2]",
          "--conf",
          "spark.sql.catalogImplementation=in-memory",
          "--conf",
          "spark.tensorarrow.natives.directory=" + Installation.NATIVES,
          "--jars",
          Installation.JAR.toString());

  /** Ten rows below 10, each with the label and a digit; the model misreads few. */
  private static final Pattern ROW =
      Pattern.compile("(?m)^\\|?\\s*\\d\\s*\\|?\\s*\\d\\s*\\|?\\s*\\d\\s*\\|?$");

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  /** Returns the first block of a language behind a heading. */
  private static String block(String heading, String language) {
    Matcher block =
        Pattern.compile("(?s)\\n#+ " + heading + "\\n.*?\\n```" + language + "\\n(.*?)\\n```")
            .matcher(README);
    assertThat(block.find()).as(heading + " has a block of " + language).isTrue();
    return block.group(1);
  }

  private static String outputOf(Program program) {
    Program.Result result = program.run();
    assertThat(result.exitCode()).as(result.output()).isZero();
    return result.output();
  }

  @Test
  void theTestCommandIsTheOneThatRunsInContinuousIntegration() {
    assertThat(README).contains("\n```bash\nmvn -B -ntp verify\n```\n");
    assertThat(read(Installation.REPOSITORY.resolve(".ci/run")).lines().toList())
        .contains("mvn -B -ntp verify");
  }

  @Test
  void theSqlQuickStartWorks() throws IOException {
    Path script = Installation.workDirectory("readme-sql-script").resolve("quickstart.sql");
    Files.writeString(script, block("SQL", "sql"));
    List<String> arguments =
        Stream.concat(SPARK.stream(), Stream.of("-f", script.toString())).toList();

    String output =
        outputOf(
            Program.of(
                "readme-sql",
                Installation.sparkProgram("spark-sql"),
                arguments.toArray(new String[0])));

    assertThat(Pattern.compile("(?m)^\\d\\t\\d\\t\\d$").matcher(output).results())
        .as(output)
        .hasSize(10);
  }

  @Test
  void thePySparkQuickStartWorks() throws IOException {
    Path script = Installation.workDirectory("readme-python-script").resolve("quickstart.py");
    Files.writeString(
        script,
        "from pyspark.sql import SparkSession\n\nspark = SparkSession.builder.getOrCreate()\n"
            + block("PySpark", "python")
            + "\n"
            + block("In place", "python")
            + "\nassert sharp.count() == scored.count()\n");
    List<String> arguments =
        Stream.concat(
                SPARK.stream(),
                Stream.of("--py-files", Installation.JAR.toString(), script.toString()))
            .toList();

    String output = outputOf(Program.sparkSubmit("readme-python", Environment.NEWEST, arguments));

    assertThat(ROW.matcher(output).results()).as(output).hasSize(10);
    assertThat(output).contains("|best|").contains("serving_default");
  }

  @Test
  void theJavaQuickStartWorks() throws IOException {
    Path directory = Installation.workDirectory("readme-java-classes");
    Path source = directory.resolve("QuickStart.java");
    Files.writeString(
        source,
        """
        import org.apache.spark.sql.*;
        public class QuickStart {
          public static void main(String[] arguments) {
            SparkSession spark = SparkSession.builder().getOrCreate();
            %s
          }
        }
        """
            .formatted(block("Java", "java")));
    String sparksJars;
    try (Stream<Path> jars = Files.list(Installation.SPARK_HOME.resolve("jars"))) {
      sparksJars = Installation.joined(jars.toArray(Path[]::new));
    }
    int compiled =
        ToolProvider.getSystemJavaCompiler()
            .run(
                null,
                null,
                null,
                "-proc:none",
                "-cp",
                sparksJars,
                "-d",
                directory.toString(),
                source.toString());
    assertThat(compiled).isZero();
    Path jar = directory.resolve("quickstart.jar");
    try (JarOutputStream out = new JarOutputStream(Files.newOutputStream(jar))) {
      out.putNextEntry(new JarEntry("QuickStart.class"));
      Files.copy(directory.resolve("QuickStart.class"), out);
    }
    List<String> arguments =
        Stream.concat(SPARK.stream(), Stream.of("--class", "QuickStart", jar.toString())).toList();

    String output = outputOf(Program.sparkSubmit("readme-java", Environment.NEWEST, arguments));

    assertThat(ROW.matcher(output).results()).as(output).hasSize(10);
  }

  @Test
  void theExamplesSayWhatIsMissingWhereNothingWasBuilt() throws IOException {
    Path clone = Installation.workDirectory("readme-bare-clone");
    Path run = Files.createDirectory(clone.resolve("examples")).resolve("run");
    Files.copy(Installation.REPOSITORY.resolve("examples/run"), run);

    Program.Result result =
        Program.of("examples-bare", run.toString()).with(Map.of("NO_BUILD", "1")).run();

    assertThat(result.exitCode()).isEqualTo(1);
    assertThat(result.output()).contains("found no jar under connector/target");
  }

  @ParameterizedTest
  @CsvSource({"python, 98.33% of 360 images", "sql, InferenceScan", "java, InferenceScan"})
  void theExamplesRunByTheirOneCommand(String which, String inOutput) {
    // The build has made the jars; to make them again would take them from tests that run now.
    Program run =
        Program.of(
                "examples-" + which,
                Installation.REPOSITORY.resolve("examples/run").toString(),
                which)
            .with(Map.of("NO_BUILD", "1"));

    assertThat(outputOf(run)).contains(inOutput);
  }
}
