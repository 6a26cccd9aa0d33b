package io.tensorarrow.spark.model.savedmodel;

import static io.tensorarrow.spark.model.ModelTestBase.assertError;
import static org.assertj.core.api.Assertions.assertThat;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.model.store.ModelFiles;
import io.tensorarrow.spark.testing.LogCapture;
import io.tensorarrow.spark.testing.TestModels;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.apache.logging.log4j.Level;
import org.assertj.core.api.AbstractStringAssert;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ModelVersionsTest {
  @TempDir Path root;
  @TempDir Path other;

  private String chosen(String version) {
    String location = ModelVersions.read(ModelFiles.local(root), version).location();
    return root.relativize(Path.of(location)).toString();
  }

  private AbstractStringAssert<?> refused(String version) {
    return assertError(ErrorCode.TA_VERSION_NOT_FOUND, () -> chosen(version))
        .contains("version '" + version + "' of model '" + root + "'", "; expected ");
  }

  private void versions(String... names) {
    for (String name : names) {
      TestModels.scaleBy(root.resolve(name), 2);
    }
  }

  @Test
  void latestVersionIsLargestNumber() {
    versions("1", "2", "9", "10");
    assertThat(chosen("latest")).isEqualTo("10");
    assertThat(chosen("LATEST")).isEqualTo("10");
  }

  @Test
  void latestVersionOfCompleteModelsLogsNoWarning() {
    versions("1", "2");
    try (LogCapture log = LogCapture.of(ModelVersions.class)) {
      chosen("latest");
      assertThat(log.lines(Level.WARN)).isEmpty();
    }
  }

  @Test
  void versionNumbersMayHaveLeadingZerosAndSixtyFourBits() {
    versions("007", "10", "9223372036854775807", "9223372036854775808", "v99");
    assertThat(chosen("latest")).isEqualTo("9223372036854775807");
    assertThat(chosen("7")).isEqualTo("007");
    assertThat(chosen("0010")).isEqualTo("10");
    refused("9223372036854775808").contains("'9223372036854775807'");
  }

  @Test
  void pinnedVersionIsReadOrErrorListsAlternatives() throws IOException {
    versions("1", "2", "30");
    Files.createDirectory(root.resolve("31.tmp"));
    assertThat(chosen("2")).isEqualTo("2");
    refused("3").contains("versions '1', '2', '30'", "no numbers '31.tmp'");
    refused("newest").contains("'latest' for the largest");
  }

  @Test
  void labelsNameVersions() throws IOException {
    versions("1", "2", "3");
    Files.writeString(
        root.resolve("labels.properties"), "# comment\nstable=2\ncanary: 3 \nold=9\ngrün=1\n");
    assertThat(chosen("stable")).isEqualTo("2");
    assertThat(chosen("canary")).isEqualTo("3");
    assertThat(chosen("grün")).isEqualTo("1");
    assertThat(chosen("latest")).isEqualTo("3");
    assertThat(chosen("1")).isEqualTo("1");
    refused("old").contains("label of 9", "'1', '2', '3'");
    refused("stabel").contains("labels 'stable', ");
  }

  @Test
  void labelsNamedLatestOrNumbersAreRefused() throws IOException {
    versions("1");
    for (String line :
        List.of("latest=1", "7=1", "stable=one", "stable=", "stable=-1", "a\\u00zz=1")) {
      Files.writeString(root.resolve("labels.properties"), line);
      for (String version : List.of("latest", "1", "stable")) {
        assertError(ErrorCode.TA_MODEL_CORRUPT, () -> chosen(version))
            .contains("in labels.properties; expected lines such as stable=3");
      }
    }
  }

  @Test
  void latestVersionSkipsIncompleteModelsWithOneWarning() throws IOException {
    versions("1");
    for (String version : List.of("2", "3", "4", "5")) {
      TestModels.mlp(root.resolve(version + "-model"));
      Files.move(root.resolve(version + "-model/mlp"), root.resolve(version));
      Files.delete(root.resolve(version + "-model"));
    }
    Files.delete(root.resolve("2/saved_model.pb"));
    Files.delete(root.resolve("3/variables/variables.index"));
    Files.delete(root.resolve("4/variables/variables.data-00000-of-00001"));
    Files.write(root.resolve("5/variables/variables.data-00000-of-00001"), new byte[10]);
    Files.createDirectory(root.resolve("6"));
    versions("7");
    Files.writeString(root.resolve("7/saved_model.pb"), "cut off");
    versions("8");
    Files.write(root.resolve("8/saved_model.pb"), new byte[0]);
    Files.createDirectory(root.resolve("_temporary"));
    Files.createDirectory(root.resolve("9.tmp"));
    Files.createDirectory(root.resolve(".9"));
    Files.createFile(root.resolve("99"));

    try (LogCapture log = LogCapture.of(ModelVersions.class)) {
      assertThat(chosen("latest")).isEqualTo("1");
      assertThat(log.lines(Level.WARN)).hasSize(1);
      assertThat(log.lines(Level.WARN).get(0))
          .contains("Reading version 1 of model " + root, "'8' (an empty saved_model.pb), '7' (")
          .contains("and 5 more");
    }
    refused("8").contains("'8' is incomplete", "an empty saved_model.pb");
    refused("7").contains("of 7 bytes that is no SavedModel");
    refused("6").contains("'6' is incomplete", "an empty directory");
    refused("5").contains("10 bytes in variables/variables.data-00000-of-00001");
    refused("4").contains("no variables/variables.data-00000-of-00001");
    refused("3").contains("no variables/variables.index");
    refused("2").contains("without saved_model.pb");
    refused("99").contains("versions ").doesNotContain("'99',");
  }

  @Test
  void errorSaysWhyNoVersionIsComplete() throws IOException {
    Files.createDirectory(root.resolve("1"));
    versions("2");
    Files.write(root.resolve("2/saved_model.pb"), new byte[0]);
    refused("latest")
        .contains("none that is complete", "'2' (an empty", "'1' (an empty directory)");
  }

  @Test
  void errorNamesUnfinishedUploads() throws IOException {
    Files.createDirectory(root.resolve("7.tmp"));
    refused("latest").contains("none that is complete: '7.tmp' (no number)");
    refused("7").contains("'7.tmp'");
  }

  @Test
  void pinnedVersionOfUnversionedModelIsAnError() {
    TestModels.scaleBy(root, 2);
    assertThat(chosen("latest")).isEmpty();
    refused("1").contains("found a SavedModel without versions", "no option 'version'");
  }

  @Test
  void directoryWithoutVersionsIsNoModel() throws IOException {
    assertError(ErrorCode.TA_MODEL_NOT_FOUND, () -> chosen("latest"))
        .contains("an empty directory");
    Files.createFile(root.resolve("notes.txt"));
    assertError(ErrorCode.TA_MODEL_NOT_FOUND, () -> chosen("7"))
        .contains("without saved_model.pb and without numbered versions");
  }

  @Test
  void versionDirectoriesMayBeLinks() throws IOException {
    versions("..data/3");
    Files.createSymbolicLink(root.resolve("3"), Path.of("..data/3"));
    assertThat(chosen("latest")).isEqualTo("3");
    TestModels.scaleBy(other.resolve("four"), 2);
    Files.createSymbolicLink(root.resolve("4"), other.resolve("four"));
    assertThat(chosen("latest")).isEqualTo("4");
  }

  @Test
  void unfinishedUploadsAreNamedInWarning() throws IOException {
    versions("1", "2");
    for (String name : List.of("_temporary", "3.tmp", ".4", "4_copying")) {
      Files.createDirectory(root.resolve(name));
    }
    for (String name : List.of(".git", "..2024_01_01", "docs", "v5")) {
      Files.createDirectory(root.resolve(name));
    }
    Files.createFile(root.resolve("99"));
    try (LogCapture log = LogCapture.of(ModelVersions.class)) {
      assertThat(chosen("latest")).isEqualTo("2");
      assertThat(log.lines(Level.WARN))
          .singleElement(InstanceOfAssertFactories.STRING)
          .endsWith(
              "skipped incomplete versions: '.4' (no number), '3.tmp' (no number), '4_copying' (no number), '_temporary' (no number)");
    }
  }

  @Test
  void unreadableVersionFailsInsteadOfBeingSkipped() throws IOException {
    versions("1", "2");
    Files.delete(root.resolve("2/saved_model.pb"));
    Files.createSymbolicLink(root.resolve("2/saved_model.pb"), Path.of("saved_model.pb"));
    assertError(ErrorCode.TA_MODEL_CORRUPT, () -> chosen("latest"))
        .contains("'" + root + "'", "expected readable files");
  }
}
