package io.tensorarrow.spark.source.wrapped;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tensorarrow.spark.testing.LakeTestBase;
import io.tensorarrow.spark.testing.TestModels;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.apache.spark.sql.DataFrameReader;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.assertj.core.api.AbstractThrowableAssert;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A file format must not read the files of a table format: some hold rows that were removed. */
class TableFormatsTest extends LakeTestBase {
  private String model = "";

  @BeforeEach
  void writeModel() throws IOException {
    model = TestModels.scale(dir).toString();
  }

  private DataFrameReader reader(String source) {
    return lake().read().format("tensorflow").option("model", model).option("source", source);
  }

  private Dataset<Row> rows() {
    return lake().range(100).selectExpr("id", "cast(id as float) as x", "id % 2 as part");
  }

  private String deltaTable() {
    String path = dir.resolve("delta").toString();
    rows().write().format("delta").partitionBy("part").save(path);
    rows().where("id < 10").write().format("delta").mode("overwrite").save(path);
    return path;
  }

  private AbstractThrowableAssert<?, ?> assertRefused(String source, String... paths) {
    return assertThatThrownBy(() -> reader(source).load(paths))
        .hasMessageStartingWith("[TA_SOURCE_UNSUPPORTED] Cannot read source '" + source + "'");
  }

  @Test
  void deltaDirectoryIsRefusedWithAlternatives() {
    String path = deltaTable();
    String table = "found a table of Delta Lake in 'file:" + path + "'";

    assertRefused("parquet", path)
        .hasMessageContaining(table)
        .hasMessageContaining("option source=delta");
    assertRefused("parquet", path + "/part=1").hasMessageContaining(table);
    assertRefused("parquet", path + "/part=*").hasMessageContaining(table);
    assertRefused("parquet", path + "/part=1/*.parquet").hasMessageContaining(table);
    assertRefused("parquet", dir.resolve("d*").toString()).hasMessageContaining(table);
    assertThatThrownBy(
            () -> reader("parquet").option("source.recursiveFileLookup", true).load(dir.toString()))
        .hasMessageContaining(table);
    assertThatThrownBy(
            () ->
                lake()
                    .sql(
                        "CREATE TEMPORARY VIEW v USING tensorflow OPTIONS (model '%s', path '%s')"
                            .formatted(model, path)))
        .hasMessageContaining(table);
  }

  @Test
  void deltaTableInAPartitionIsRefused() {
    String path = dir.resolve("days").toString();
    rows().drop("part").write().format("delta").save(path + "/day=1");

    assertRefused("parquet", path).hasMessageContaining("Delta Lake in 'file:" + path + "/day=1'");
  }

  @Test
  void optionWithoutValueIsIgnoredAsInSparksOwnReads() {
    String path = dir.resolve("data").toString();
    rows().write().parquet(path);

    assertThat(
            reader("parquet")
                .option("source.datetimeRebaseMode", (String) null)
                .load(path)
                .select("y")
                .count())
        .isEqualTo(100);
  }

  @Test
  void alternativeInTheDeltaErrorWorks() {
    assertThat(reader("delta").load(deltaTable()).selectExpr("sum(y)").first().getDouble(0))
        .isEqualTo(90);
  }

  @Test
  void directoryThatBecameDeltaTableIsRefusedByNextQuery() {
    String path = dir.resolve("plain").toString();
    rows().write().partitionBy("part").parquet(path);
    Dataset<Row> scored = reader("parquet").load(path);
    assertThat(scored.select("y").count()).isEqualTo(100);

    lake().sql("CONVERT TO DELTA parquet.`%s` PARTITIONED BY (part BIGINT)".formatted(path));

    assertThatThrownBy(() -> scored.select("y").count())
        .hasMessageContaining("found a table of Delta Lake");
  }

  @Test
  void icebergDirectoryIsRefusedAndReadByItsFormat() throws Exception {
    lake().sql("CREATE TABLE ice.db.t (id BIGINT, x FLOAT, part BIGINT) USING iceberg");
    rows().writeTo("ice.db.t").append();
    lake().sql("DELETE FROM ice.db.t WHERE id >= 10");
    String path = dir.resolve("iceberg/db/t").toString();
    String table = "found a table of Iceberg in 'file:" + path + "'";

    assertRefused("parquet", path)
        .hasMessageContaining(table)
        .hasMessageContaining("source=iceberg");
    assertRefused("parquet", path + "/data").hasMessageContaining(table);
    assertRefused("parquet", path + "/data/*.parquet").hasMessageContaining(table);
    assertThat(reader("iceberg").load("ice.db.t").selectExpr("sum(y)").first().getDouble(0))
        .isEqualTo(90);
  }

  @ParameterizedTest
  @ValueSource(strings = {".hoodie", "2026/11/.hoodie_partition_metadata"})
  void hudiDirectoryIsRefused(String sign) throws IOException {
    String path = dir.resolve("hudi").toString();
    rows().write().parquet(path + "/2026/11");
    Files.createDirectories(Path.of(path, sign));

    assertRefused("parquet", path + (sign.startsWith(".") ? "" : "/2026/11"))
        .hasMessageContaining("found a table of Hudi")
        .hasMessageContaining("option source=hudi");
  }

  @ParameterizedTest
  @ValueSource(strings = {"orc", "json", "csv"})
  void otherFileFormatsAreCheckedToo(String format) throws IOException {
    String path = dir.resolve("other").toString();
    rows().write().format(format).save(path);
    Files.createDirectories(Path.of(path, "_delta_log"));

    assertRefused(format, path).hasMessageContaining("Delta Lake");
  }

  @Test
  void directoriesThatResembleTableFormatsAreRead() throws IOException {
    String path = dir.resolve("data").toString();
    rows().drop("part").write().parquet(path);
    Files.createDirectories(Path.of(path, "metadata"));
    Files.writeString(Path.of(path, "metadata", "_readme"), "about the data");

    assertThat(reader("parquet").load(path).select("y").count()).isEqualTo(100);
    assertThat(Arrays.asList(reader("parquet").load(path).inputFiles())).isNotEmpty();
  }
}
