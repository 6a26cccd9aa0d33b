package io.tensorarrow.spark.source;

import static org.assertj.core.api.Assertions.assertThat;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.testing.TestModels;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.apache.spark.sql.DataFrameReader;
import org.junit.jupiter.api.Test;

/**
 * Which models the options {@code model}, {@code version}, {@code tags} and {@code signature} name.
 */
class ModelOptionTest extends LoadErrorTestBase {
  @Test
  void missingModelDirectoryIsRefused() {
    loading(
            plainReader().option("model", dir.resolve("nowhere").toString()),
            ErrorCode.TA_MODEL_NOT_FOUND)
        .hasMessageContaining("nowhere");
  }

  @Test
  void modelOnFileSystemWithoutConnectorIsRefused() {
    loading(plainReader().option("model", "s3a://bucket/models/m"), ErrorCode.TA_MODEL_FETCH)
        .hasMessageContaining("'s3a://bucket/models/m' on host '")
        .hasMessageContaining("connector of scheme 's3a'")
        .hasMessageContaining("org.apache.hadoop:hadoop-aws");
    loading(plainReader().option("model", "abfss://c@a/m"), ErrorCode.TA_MODEL_FETCH)
        .hasMessageContaining("org.apache.hadoop:hadoop-azure");
    loading(plainReader().option("model", "gs://bucket/m"), ErrorCode.TA_MODEL_FETCH)
        .hasMessageContaining("com.google.cloud.bigdataoss:gcs-connector");
    loading(plainReader().option("model", "other://host/m"), ErrorCode.TA_MODEL_FETCH)
        .hasMessageContaining("connector of scheme 'other'");
  }

  @Test
  void modelUriWithCredentialsIsRefused() {
    for (String uri :
        List.of(
            "s3a://key:pa55word@bucket/m",
            "s3a://key%3Apa55word@bucket/m",
            "https://host/m?sig=pa55word",
            "s3a://key:pa55word@:bucket:/m")) {
      loading(plainReader().option("model", uri), ErrorCode.TA_OPTION_INVALID)
          .hasMessageContaining("'model'")
          .hasMessageNotContaining("pa55word")
          .hasNoCause();
    }
  }

  @Test
  void versionIsChosenByNumberLabelOrLatest() throws IOException {
    Path versions = dir.resolve("versions");
    TestModels.scaleBy(versions.resolve("9"), 9);
    TestModels.scaleBy(versions.resolve("10"), 10);
    Files.writeString(versions.resolve("labels.properties"), "stable=9");
    Files.createDirectory(versions.resolve("11"));
    DataFrameReader reader = plainReader().option("model", versions.toString());

    assertThat(y(reader)).isEqualTo(10f);
    assertThat(y(reader.option("version", "9"))).isEqualTo(9f);
    assertThat(y(reader.option("version", "stable"))).isEqualTo(9f);
    assertThat(y(reader.option("version", "latest"))).isEqualTo(10f);
    loading(reader.option("version", "11"), ErrorCode.TA_VERSION_NOT_FOUND)
        .hasMessageContaining("'11' is incomplete, with an empty directory")
        .hasMessageContaining("'10', '9'");
    loading(reader.option("version", "12"), ErrorCode.TA_VERSION_NOT_FOUND)
        .hasMessageContaining("versions '10', '11', '9' and labels 'stable'");
    loading(reader().option("version", "1"), ErrorCode.TA_VERSION_NOT_FOUND)
        .hasMessageContaining("a SavedModel without versions");
    assertThat(
            reader
                .option("version", "9")
                .load(table)
                .schema()
                .apply("y")
                .metadata()
                .getString("tensor.model"))
        .isEqualTo("versions/9");
  }

  private float y(DataFrameReader reader) {
    return reader.load(table).where("id = 1").select("y").first().getFloat(0);
  }

  @Test
  void malformedModelPathIsRefused() {
    loading(plainReader().option("model", "a:b:c"), ErrorCode.TA_OPTION_INVALID)
        .hasMessageContaining("'model'");
  }

  @Test
  void modelUrisAndUnusualPathsAreOpened() throws IOException {
    Path odd = Files.createDirectories(dir.resolve("a b%20c#d é"));
    Path moved = TestModels.scale(odd);

    assertThat(plainReader().option("model", moved.toString()).load(table).select("y").count())
        .isEqualTo(ROWS);
    assertThat(plainReader().option("model", "file://" + moved).load(table).where("id=4").first())
        .isNotNull();
    assertThat(y(plainReader().option("model", moved + "/../../a b%20c#d é/scale"))).isEqualTo(2f);
    // Never another one: what looks encoded is not decoded.
    TestModels.scale(Files.createDirectories(dir.resolve("a b")));
    loading(
        plainReader().option("model", "file://" + dir + "/a%20b/scale"),
        ErrorCode.TA_MODEL_NOT_FOUND);
    loading(plainReader().option("model", "/" + "x/".repeat(3000)), ErrorCode.TA_MODEL_NOT_FOUND)
        .hasMessageContaining("nothing there on the local file system");
    loading(plainReader().option("model", "a\0b"), ErrorCode.TA_OPTION_INVALID);
  }

  @Test
  void unknownTagsAreRefused() {
    loading(reader().option("tags", "train"), ErrorCode.TA_TAGS_NOT_FOUND)
        .hasMessageContaining("serve");
  }

  @Test
  void unknownSignatureIsRefused() {
    loading(reader().option("signature", "serving"), ErrorCode.TA_SIGNATURE_NOT_FOUND)
        .hasMessageContaining("'serving_default'");
  }
}
