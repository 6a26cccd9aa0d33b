package io.tensorarrow.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The two commands at the top of the README work, from the repository's root. */
class ReadmeIT {
  private static final String README = read(Installation.README);

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String outputOf(Program program) {
    Program.Result result = program.run();
    assertThat(result.exitCode()).as(result.output()).isZero();
    return result.output();
  }

  @Test
  void documentedTestCommandIsThatOfContinuousIntegration() {
    assertThat(README).contains("\n```bash\nmvn -B -ntp verify\n```\n");
    assertThat(read(Installation.REPOSITORY.resolve(".ci/run")).lines().toList())
        .contains("mvn -B -ntp verify");
  }

  @Test
  void examplesReportMissingJarWithoutBuild() throws IOException {
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
  void examplesRunByOneCommand(String which, String inOutput) {
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
