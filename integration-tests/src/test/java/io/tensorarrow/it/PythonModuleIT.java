package io.tensorarrow.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.tensorarrow.it.Installation.Environment;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The Python module in itself: its unit tests against the jar, its types and its style. */
class PythonModuleIT {
  @ParameterizedTest
  @EnumSource(Environment.class)
  void unitTestsPassAgainstModuleInJar(Environment environment) {
    Program.Result result =
        Program.python(
                "pytest-" + environment,
                environment,
                "-m",
                "pytest",
                "-p",
                "no:cacheprovider",
                "connector/src/test/python")
            .with(Map.of("PYTHONPATH", Installation.JAR.toString()))
            .run();

    assertThat(result.exitCode()).as(result.output()).isZero();
    assertThat(result.output()).contains("tensorarrow " + pythonVersion());
    assertThat(result.output()).contains(Installation.JAR + "/tensorarrow/__init__.py");
  }

  @Test
  void moduleHasNoTypeErrors() {
    String module = "connector/src/main/python";

    Program.Result result =
        Program.python(
                "mypy",
                Environment.NEWEST,
                "-m",
                "mypy",
                "--strict",
                "--no-incremental",
                "--config-file",
                module + "/pyproject.toml",
                module + "/tensorarrow")
            .run();
    assertThat(result.exitCode()).as(result.output()).isZero();
    assertThat(result.output()).containsPattern("no issues found in \\d+ source files");
  }

  @Test
  void pythonFollowsStyleRules() {
    Program.of("ruff-check", Environment.NEWEST.program("ruff"), "check", "--no-cache", ".")
        .assertPrints("All checks passed!");
  }

  @Test
  void pythonIsFormatted() {
    Program.Result result =
        Program.of(
                "ruff-format",
                Environment.NEWEST.program("ruff"),
                "format",
                "--check",
                "--diff",
                "--no-cache",
                ".")
            .run();

    assertThat(result.exitCode()).as(result.output()).isZero();
    assertThat(result.output()).contains("already formatted");
  }

  private static String pythonVersion() {
    return Installation.VERSION.replace("-SNAPSHOT", ".dev0");
  }
}
