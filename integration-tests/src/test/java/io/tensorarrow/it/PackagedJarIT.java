package io.tensorarrow.it;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is in the jar that users get, and what is not. */
class PackagedJarIT {
  private static final String NATIVES =
      "org/tensorflow/internal/c_api/" + Installation.PLATFORM + "/";
  private static final String SERVICES = "META-INF/services/";

  /** Each entry has to match one: who adds something to the jar says so here. */
  private static final List<String> ALLOWED =
      List.of(
          "META-INF/MANIFEST\\.MF",
          "META-INF/LICENSE",
          "META-INF/NOTICE",
          "META-INF/licenses/[a-z-]+\\.txt",
          "META-INF/maven/io\\.tensorarrow/.*",
          "META-INF/services/org\\.apache\\.spark\\.sql\\.SparkSessionExtensionsProvider",
          "META-INF/services/org\\.apache\\.spark\\.sql\\.sources\\.DataSourceRegister",
          "io/tensorarrow/spark/.*\\.(class|properties)",
          "io/tensorarrow/spark/model/safety/ops\\.(tsv|pb\\.gz)",
          "io/tensorarrow/shaded/protobuf/.*\\.class",
          "org/tensorflow/.*\\.class",
          "org/bytedeco/javacpp/.*\\.class",
          "org/bytedeco/javacpp/properties/[a-z0-9_-]+\\.properties",
          "tensorarrow/.*\\.(py|pyi|typed)",
          NATIVES + "(LICENSE|lib.*\\.(so|dylib)(\\.[0-9]+)?)");

  private static ZipFile jar;
  private static List<String> names;

  @BeforeAll
  static void openJar() throws IOException {
    jar = new ZipFile(Installation.JAR.toFile());
    names =
        jar.stream().filter(Predicate.not(ZipEntry::isDirectory)).map(ZipEntry::getName).toList();
  }

  @AfterAll
  static void closeJar() throws IOException {
    jar.close();
  }

  @Test
  void jarHasNoUnexpectedEntries() {
    assertThat(names)
        .doesNotHaveDuplicates()
        .allSatisfy(name -> assertThat(ALLOWED).anyMatch(name::matches));
  }

  @Test
  void sourcesJarHasSourcesAndDocumentation() throws IOException {
    Path sources =
        Installation.JAR.resolveSibling(
            Installation.ARTIFACT + "-" + Installation.VERSION + "-sources.jar");

    try (ZipFile file = new ZipFile(sources.toFile())) {
      assertThat(file.stream().map(ZipEntry::getName))
          .contains("io/tensorarrow/spark/TensorFlowDataSource.java", "docs/index.md");
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "META-INF/LICENSE",
        "META-INF/NOTICE",
        "META-INF/licenses/protobuf.txt",
        "META-INF/licenses/tensorflow-native-components.txt",
        "META-INF/services/org.apache.spark.sql.SparkSessionExtensionsProvider",
        "META-INF/services/org.apache.spark.sql.sources.DataSourceRegister",
        "io/tensorarrow/shaded/protobuf/Message.class",
        "org/tensorflow/proto/SavedModel.class",
        "org/tensorflow/internal/c_api/global/tensorflow.class",
        "org/tensorflow/ndarray/Shape.class",
        "org/bytedeco/javacpp/Loader.class",
      })
  void jarHasRequiredEntry(String name) {
    assertThat(names).contains(name);
  }

  @Test
  void jarHasNativesOfPlatform() {
    assertThat(names.stream().filter(name -> name.startsWith(NATIVES)))
        .anyMatch(name -> name.contains("libjnitensorflow"))
        .anyMatch(name -> name.contains("libtensorflow_cc"))
        .anyMatch(name -> name.contains("libtensorflow_framework"));
  }

  @Test
  void jarHasUnchangedPythonModule() throws IOException {
    Path sources = Installation.REPOSITORY.resolve("connector/src/main/python");
    List<String> modules;
    try (Stream<Path> files = Files.walk(sources.resolve("tensorarrow"))) {
      modules =
          files
              .filter(file -> file.toString().endsWith(".py"))
              .map(file -> sources.relativize(file).toString().replace('\\', '/'))
              .toList();
    }
    assertThat(modules).contains("tensorarrow/__init__.py", "tensorarrow/_version.py");
    for (String module : modules) {
      if (!module.endsWith("/_version.py")) {
        assertThat(text(module)).isEqualTo(Files.readString(sources.resolve(module)));
      }
    }
  }

  @Test
  void jarHasVersionInsteadOfPlaceholder() throws IOException {
    String major = Installation.VERSION.replace("-SNAPSHOT", "");

    assertThat(text("tensorarrow/_version.py")).contains(major).doesNotContain("@project");
    assertThat(text("io/tensorarrow/spark/model/natives/version.properties"))
        .matches("tensorflow=[0-9.]+\\s*");
    assertThat(text("META-INF/MANIFEST.MF")).contains("Implementation-Version: " + major);
  }

  @Test
  void registeredServicesAreInJar() throws IOException {
    List<String> services = names.stream().filter(name -> name.startsWith(SERVICES)).toList();
    assertThat(services).isNotEmpty();
    for (String service : services) {
      assertThat(text(service).lines())
          .isNotEmpty()
          .allSatisfy(type -> assertThat(names).contains(type.replace('.', '/') + ".class"));
    }
  }

  /** Spark would load its own class from the cluster's jar, and protobuf another's. */
  @Test
  void jarHasNoReferenceToUnshadedProtobuf() throws IOException {
    List<String> leftovers = new ArrayList<>();
    for (String name : names) {
      if (name.endsWith(".class")) {
        String bytes = new String(bytes(name), ISO_8859_1);
        // Descriptors of protobuf's own messages hold the dotted name as data.
        boolean dotted =
            name.startsWith("org/tensorflow/") && bytes.contains("com.google.protobuf");
        if (dotted || bytes.contains("com/google/protobuf")) {
          leftovers.add(name);
        }
      }
    }
    assertThat(leftovers).isEmpty();
  }

  private static String text(String name) throws IOException {
    return new String(bytes(name), UTF_8);
  }

  private static byte[] bytes(String name) throws IOException {
    try (InputStream in = jar.getInputStream(jar.getEntry(name))) {
      return in.readAllBytes();
    }
  }
}
