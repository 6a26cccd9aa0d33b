package io.tensorarrow.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.tensorarrow.it.DocumentationPage.Block;
import io.tensorarrow.it.Installation.Environment;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The blocks of the documentation that are marked to be run work, and print what the pages say,
 * from the repository's root.
 *
 * <p>One PySpark process runs the Python, SQL and shell blocks of all pages, each page in a session
 * of its own. The README's SQL and Java blocks are run as users would: by {@code spark-sql} and by
 * {@code spark-submit}.
 */
class DocumentationIT {
  /** Spark as the pages assume it: a session with the connector's jar. */
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

  private static final String IN_PYSPARK = "documentation-pyspark";
  private static final String STDOUT = "stdout.log";

  /** A line that the README's programs print behind each block. */
  private static final String BLOCK_ENDS = "--- end of block ---";

  private static String log = "";

  static Stream<DocumentationPage> pages() {
    return DocumentationPage.all().stream().filter(page -> !blocksInPySpark(page).isEmpty());
  }

  /** The README's SQL is for the command line, its Java for a program. */
  private static List<Block> blocksInPySpark(DocumentationPage page) {
    boolean isReadme = page.name().equals("README.md");
    List<Block> blocks =
        isReadme ? page.blocksIn("python", "bash") : page.blocksIn("python", "sql", "bash");
    int elsewhere = isReadme ? page.blocksIn("sql", "java").size() : 0;
    assertThat(blocks.size() + elsewhere)
        .as("blocks of %s to run, in languages that this test runs", page)
        .isEqualTo(page.blocks().size());
    return blocks;
  }

  private static DocumentationPage readme() {
    return DocumentationPage.read(Installation.README);
  }

  @BeforeAll
  static void runBlocksOfAllPagesInPySpark() throws IOException {
    Path work = Installation.workDirectory("documentation-blocks");
    for (DocumentationPage page : pages().toList()) {
      Path directory = Files.createDirectories(work.resolve(page.name()));
      List<Block> blocks = blocksInPySpark(page);
      for (int i = 0; i < blocks.size(); i++) {
        Files.writeString(
            directory.resolve("%02d.%s".formatted(i, blocks.get(i).language())),
            blocks.get(i).code());
      }
    }
    List<String> arguments = new ArrayList<>(SPARK);
    arguments.addAll(
        List.of(
            "--py-files",
            Installation.JAR.toString(),
            Installation.SCRIPTS.resolve("it_documentation.py").toString(),
            work.toString()));
    log = Program.sparkSubmit(IN_PYSPARK, Environment.NEWEST, arguments).run().output();
  }

  @ParameterizedTest
  @MethodSource("pages")
  void blocksPrintDocumentedOutput(DocumentationPage page) throws IOException {
    Path directory = Installation.TARGET.resolve("work/documentation-blocks").resolve(page.name());
    List<Block> blocks = blocksInPySpark(page);
    for (int i = 0; i < blocks.size(); i++) {
      Path output = directory.resolve("%02d.output".formatted(i));
      Path failure = directory.resolve("%02d.failure".formatted(i));
      assertThat(failure).as(() -> blocksText(page, failure)).doesNotExist();
      assertThat(output).as(log).exists();
      check(blocks.get(i), Files.readString(output));
    }
  }

  private static String blocksText(DocumentationPage page, Path failure) {
    try {
      return page + ": " + Files.readString(failure);
    } catch (IOException e) {
      return page + ": " + e;
    }
  }

  @Test
  void readmeSqlPrintsDocumentedOutput() throws IOException {
    List<Block> blocks = readme().blocksIn("sql");
    assertThat(blocks).isNotEmpty();
    Path script = Installation.workDirectory("readme-sql-script").resolve("quickstart.sql");
    Files.writeString(
        script,
        blocks.stream()
            .map(block -> block.code() + "SELECT '" + BLOCK_ENDS + "';\n")
            .collect(Collectors.joining()));
    List<String> arguments = new ArrayList<>(SPARK);
    arguments.addAll(List.of("-f", script.toString()));

    checkAll(
        blocks,
        standardOutputOf(
            Program.of(
                "readme-sql",
                Installation.sparkProgram("spark-sql"),
                arguments.toArray(new String[0]))));
  }

  @Test
  void readmeJavaPrintsDocumentedOutput() throws IOException {
    List<Block> blocks = readme().blocksIn("java");
    assertThat(blocks).isNotEmpty();
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
            .formatted(
                blocks.stream()
                    .map(block -> block.code() + "System.out.println(\"" + BLOCK_ENDS + "\");\n")
                    .collect(Collectors.joining())));
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
    List<String> arguments = new ArrayList<>(SPARK);
    arguments.addAll(List.of("--class", "QuickStart", jar.toString()));

    checkAll(
        blocks,
        standardOutputOf(Program.sparkSubmit("readme-java", Environment.NEWEST, arguments)));
  }

  /** Runs a program, and returns what it printed without its log. */
  private static String standardOutputOf(Program program) throws IOException {
    Program.Result result =
        program.under("bash", "-c", "exec \"$@\" > \"$IT_WORK/" + STDOUT + "\"", "bash").run();
    assertThat(result.exitCode()).as(result.output()).isZero();
    return Files.readString(Installation.TARGET.resolve("work/" + program.name() + "/" + STDOUT));
  }

  private static void checkAll(List<Block> blocks, String output) {
    String[] outputs = output.split(BLOCK_ENDS, -1);
    assertThat(outputs).as(output).hasSize(blocks.size() + 1);
    for (int i = 0; i < blocks.size(); i++) {
      check(blocks.get(i), outputs[i]);
    }
  }

  private static void check(Block block, String printed) {
    if (!block.prints(printed)) {
      // Fails, and shows both.
      assertThat(printed).as(block.code()).isEqualTo(block.output().orElse(""));
    }
  }
}
