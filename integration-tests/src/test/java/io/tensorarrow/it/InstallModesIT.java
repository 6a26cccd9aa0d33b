package io.tensorarrow.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.tensorarrow.it.Installation.Environment;
import java.io.IOException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Every way to install the jar: what works in each, and what does not. */
class InstallModesIT {
  private static final Environment ENVIRONMENT = Environment.NEWEST;
  private static final String FILE = "it_install.py";
  private static final String JAR = Installation.JAR.toString();
  private static final String INTERPRETER = ENVIRONMENT.program("python");

  // What the checks are told to expect of `import tensorarrow`, on the driver and in a worker.
  private static final Map<String, String> IMPORTABLE = Map.of("IT_IMPORTABLE", "true");
  private static final Map<String, String> ABSENT = Map.of("IT_IMPORTABLE", "false");

  @Test
  void packagesProvideSqlAndModule() throws IOException {
    Path work = Installation.workDirectory("repository");

    Checks.pass(Checks.submitted("packages", ENVIRONMENT, packages(work), FILE).with(IMPORTABLE));
  }

  @Test
  void packagesProvideSqlAndModuleInPlainPython() throws IOException {
    Path work = Installation.workDirectory("repository-plain");
    String arguments = String.join(" ", packages(work)) + " pyspark-shell";

    Checks.pass(
        Checks.inPython("packages-plain", INTERPRETER, FILE)
            .with(IMPORTABLE)
            .with(Map.of("PYSPARK_SUBMIT_ARGS", arguments)));
  }

  @Test
  void jarsProvideSqlAndPlainFunctions() {
    Checks.pass(Checks.submitted("jars", ENVIRONMENT, List.of("--jars", JAR), FILE).with(ABSENT));
  }

  @Test
  void sparkJarsSettingProvidesSqlAndPlainFunctionsInPlainPython() {
    Checks.pass(
        Checks.inPython("jars-plain", INTERPRETER, FILE)
            .with(ABSENT)
            .with(settings("spark.jars=" + JAR)));
  }

  @Test
  void jarsWithPyFilesProvideSqlAndModule() {
    List<String> arguments = List.of("--jars", JAR, "--py-files", JAR);

    Checks.pass(Checks.submitted("py-files", ENVIRONMENT, arguments, FILE).with(IMPORTABLE));
  }

  @Test
  void jarInSparkHomeProvidesSqlAndPlainFunctions() throws IOException {
    Path home = Installation.workDirectory("spark-home");
    try (Stream<Path> parts = Files.list(Installation.SPARK_HOME)) {
      for (Path part : parts.filter(p -> !p.endsWith("jars")).toList()) {
        Files.createSymbolicLink(home.resolve(part.getFileName()), part);
      }
    }
    Path jars = Files.createDirectory(home.resolve("jars"));
    try (Stream<Path> own = Files.list(Installation.SPARK_HOME.resolve("jars"))) {
      for (Path jar : own.toList()) {
        Files.createSymbolicLink(jars.resolve(jar.getFileName()), jar);
      }
    }
    Files.createSymbolicLink(jars.resolve(Installation.JAR.getFileName()), Installation.JAR);

    Checks.pass(
        Checks.inPython("dropped-in", INTERPRETER, FILE)
            .with(ABSENT)
            .with(Map.of("SPARK_HOME", home.toString())));
  }

  @Test
  void wheelProvidesModule() throws IOException {
    Path work = Installation.workDirectory("wheel");
    Path environment = work.resolve("environment");
    succeeds(Program.python("venv", ENVIRONMENT, "-m", "venv", environment.toString()));
    Path python = environment.resolve("bin/python");
    succeeds(Program.python("wheel-build", ENVIRONMENT, wheelArguments(work)));
    Path wheel = only(work.resolve("dist"));
    assertThat(wheel.getFileName())
        .hasToString(
            "tensorarrow-%s-py3-none-any.whl"
                .formatted(Installation.VERSION.replace("-SNAPSHOT", ".dev0")));
    succeeds(
        Program.of(
            "wheel-install",
            python.toString(),
            "-m",
            "pip",
            "install",
            "--no-index",
            "--no-deps",
            wheel.toString()));
    // The new environment sees the packages of the other one.
    Path packages = ENVIRONMENT.directory().resolve("lib").resolve(libraryOf(environment));
    Files.writeString(
        environment.resolve("lib").resolve(libraryOf(environment)).resolve("others.pth"),
        packages.resolve("") + "\n" + Installation.SPARK_HOME.getParent() + "\n");

    Checks.pass(
        Checks.inPython("wheel-run", python.toString(), FILE)
            .with(IMPORTABLE)
            .with(settings("spark.jars=" + JAR)));
  }

  private static Map<String, String> settings(String... settings) {
    return Map.of("IT_SETTINGS", String.join(" ", settings));
  }

  /** Unpacks the module from the jar beside its pyproject.toml. */
  private static String[] wheelArguments(Path work) throws IOException {
    Path source = Files.createDirectories(work.resolve("source"));
    Files.copy(
        Installation.REPOSITORY.resolve("connector/src/main/python/pyproject.toml"),
        source.resolve("pyproject.toml"));
    try (var jar = FileSystems.newFileSystem(Installation.JAR);
        Stream<Path> files = Files.walk(jar.getPath("tensorarrow"))) {
      for (Path file : files.toList()) {
        Files.copy(file, source.resolve(file.toString()), StandardCopyOption.REPLACE_EXISTING);
      }
    }
    return new String[] {
      "-m",
      "pip",
      "wheel",
      "--no-index",
      "--no-deps",
      "--no-build-isolation",
      "--wheel-dir",
      work.resolve("dist").toString(),
      source.toString()
    };
  }

  /** Lays out a Maven repository that has the connector and nothing else to download from. */
  private static List<String> packages(Path work) throws IOException {
    Path repository = work.resolve("maven");
    String group = Installation.GROUP.replace('.', '/');
    Path parent = Installation.REPOSITORY.resolve("pom.xml");
    publish(repository, group, "tensorarrow-parent", Installation.VERSION, parent, "pom");
    publish(
        repository, group, Installation.ARTIFACT, Installation.VERSION, Installation.POM, "pom");
    publish(
        repository, group, Installation.ARTIFACT, Installation.VERSION, Installation.JAR, "jar");
    // The parent imports it; users' tools find it where they find everything.
    Path boms = Installation.MAVEN_REPOSITORY.resolve("org/junit/junit-bom");
    try (Stream<Path> versions = Files.list(boms)) {
      for (Path version : versions.filter(Files::isDirectory).toList()) {
        String name = version.getFileName().toString();
        Path pom = version.resolve("junit-bom-" + name + ".pom");
        if (Files.exists(pom)) {
          publish(repository, "org/junit", "junit-bom", name, pom, "pom");
        }
      }
    }
    Path settings = work.resolve("ivysettings.xml");
    Files.writeString(
        settings,
        """
        <ivysettings>
          <settings defaultResolver="local"/>
          <resolvers>
            <filesystem name="local" m2compatible="true">
              <ivy pattern="%1$s/[organisation]/[module]/[revision]/[module]-[revision].pom"/>
              <artifact pattern="%1$s/[organisation]/[module]/[revision]/[artifact]-[revision].[ext]"/>
            </filesystem>
          </resolvers>
        </ivysettings>
        """
            .formatted(repository));
    String coordinates =
        String.join(":", Installation.GROUP, Installation.ARTIFACT, Installation.VERSION);
    return List.of(
        "--packages",
        coordinates,
        "--conf",
        "spark.jars.ivySettings=" + settings,
        "--conf",
        "spark.jars.ivy=" + work.resolve("ivy"));
  }

  private static void publish(
      Path repository, String group, String artifact, String version, Path file, String extension)
      throws IOException {
    Path directory = repository.resolve(group).resolve(artifact).resolve(version);
    Files.createDirectories(directory);
    Files.createSymbolicLink(
        directory.resolve("%s-%s.%s".formatted(artifact, version, extension)), file);
  }

  private static Path libraryOf(Path environment) throws IOException {
    return only(environment.resolve("lib")).getFileName().resolve("site-packages");
  }

  private static Path only(Path directory) throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      List<Path> all = files.toList();
      assertThat(all).hasSize(1);
      return all.get(0);
    }
  }

  private static void succeeds(Program program) {
    Program.Result result = program.run();
    assertThat(result.exitCode()).as(result.output()).isZero();
  }
}
