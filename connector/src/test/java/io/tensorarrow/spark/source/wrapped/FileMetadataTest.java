package io.tensorarrow.spark.source.wrapped;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tensorarrow.spark.metrics.RowsInferredMetric;
import io.tensorarrow.spark.testing.LakeTestBase;
import io.tensorarrow.spark.testing.TestModels;
import java.io.IOException;
import java.util.List;
import org.apache.spark.sql.DataFrameReader;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The hidden columns that tell where a row comes from can be used beside predictions. */
class FileMetadataTest extends LakeTestBase {
  private static final String ALL =
      "struct(_metadata.file_path, _metadata.file_name, _metadata.file_size, _metadata.file_modification_time, _metadata.file_block_start, _metadata.file_block_length) as m";

  private String model = "";

  @BeforeEach
  void writeModel() throws IOException {
    model = TestModels.scale(dir).toString();
  }

  private String write(String format) {
    String path = dir.resolve(format).toString();
    lake()
        .range(0, 1000, 1, 3)
        .selectExpr("id", "cast(id as float) as x", "id % 2 as part")
        .write()
        .format(format)
        .option("header", true)
        .partitionBy("part")
        .save(path);
    return path;
  }

  private DataFrameReader reader(String source) {
    return lake()
        .read()
        .format("tensorflow")
        .option("model", model)
        .option("source", source)
        .option("source.schema", "id BIGINT, x FLOAT, part BIGINT")
        .option("source.header", true);
  }

  private Dataset<Row> plain(String source, String path) {
    return lake()
        .read()
        .format(source)
        .schema("id BIGINT, x FLOAT, part BIGINT")
        .option("header", true)
        .load(path);
  }

  @ParameterizedTest
  @CsvSource({"parquet, true", "parquet, false", "orc, true", "json, true", "csv, false"})
  void metadataEqualsThatOfSparksOwnRead(String format, boolean adaptive) {
    lake().conf().set("spark.sql.adaptive.enabled", adaptive);
    String path = write(format);
    Dataset<Row> plain = plain(format, path);
    Dataset<Row> scored = reader(format).load(path);

    assertThat(scored.columns()).containsExactly("id", "x", "part", "y");
    assertThat(scored.selectExpr("id", "y", ALL).collectAsList())
        .hasSize(1000)
        .containsExactlyInAnyOrderElementsOf(
            plain.selectExpr("id", "x * 2 as y", ALL).collectAsList());
    assertThat(scored.selectExpr("_metadata.file_name", "id").collectAsList())
        .containsExactlyInAnyOrderElementsOf(
            plain.selectExpr("_metadata.file_name", "id").collectAsList());
    assertThat(scored.select("_metadata").collectAsList()).hasSize(1000);
    assertThat(scored.groupBy("_metadata.file_path").sum("y").collectAsList())
        .containsExactlyInAnyOrderElementsOf(
            plain
                .selectExpr("*", "x * 2 as y")
                .groupBy("_metadata.file_path")
                .sum("y")
                .collectAsList());
  }

  @ParameterizedTest
  @ValueSource(strings = {"parquet", "orc", "json"})
  void filtersOnMetadataRunBeforeTheModel(String format) {
    String path = write(format);
    Dataset<Row> scored = reader(format).load(path);
    Row first =
        scored
            .selectExpr("_metadata.file_name", "_metadata.file_size")
            .orderBy("file_name")
            .first();

    Dataset<Row> query =
        scored
            .where("_metadata.file_name = '%s' and id > 100".formatted(first.getString(0)))
            .select("id", "y", "_metadata.file_size");
    List<Row> rows = query.collectAsList();

    assertThat(rows)
        .isNotEmpty()
        .containsExactlyInAnyOrderElementsOf(
            plain(format, path)
                .where("_metadata.file_name = '%s' and id > 100".formatted(first.getString(0)))
                .selectExpr("id", "x * 2 as y", "_metadata.file_size")
                .collectAsList());
    assertThat(metric(query, RowsInferredMetric.NAME)).isEqualTo(rows.size());
    assertThat(scored.where("_metadata.file_size < 0").count()).isZero();
    assertThat(scored.where("_metadata.file_block_start = 0 and y > 10").count()).isEqualTo(994);
  }

  @Test
  void metadataDistinguishesBlocksOfOneFile() {
    String path = dir.resolve("lines").toString();
    lake().range(0, 2000, 1, 1).selectExpr("id", "cast(id as float) as x").write().json(path);
    lake().conf().set("spark.sql.files.maxPartitionBytes", "16k");
    lake().conf().set("spark.sql.files.openCostInBytes", "0");
    DataFrameReader reader =
        lake().read().format("tensorflow").option("model", model).option("source", "json");

    List<Row> blocks =
        reader
            .load(path)
            .groupBy("_metadata.file_block_start", "_metadata.file_block_length")
            .count()
            .collectAsList();

    assertThat(blocks)
        .hasSizeGreaterThan(2)
        .containsExactlyInAnyOrderElementsOf(
            lake()
                .read()
                .json(path)
                .groupBy("_metadata.file_block_start", "_metadata.file_block_length")
                .count()
                .collectAsList());
  }

  @Test
  void dataColumnNamedMetadataIsReadUnchanged() {
    String path = dir.resolve("own").toString();
    lake()
        .range(5)
        .selectExpr("cast(id as float) as x", "'mine' as _metadata")
        .write()
        .parquet(path);
    Dataset<Row> scored = lake().read().format("tensorflow").option("model", model).load(path);

    assertThat(scored.select("_metadata").distinct().collectAsList())
        .extracting(row -> row.getString(0))
        .containsExactly("mine");
    assertThat(scored.where("_metadata = 'mine'").selectExpr("sum(y)").first().getDouble(0))
        .isEqualTo(20);
  }

  @Test
  void nestedModelPassesMetadataOn() {
    String path = write("parquet");
    Dataset<Row> scored =
        lake()
            .read()
            .format("tensorflow")
            .option("model", model)
            .option("source", "tensorflow")
            .option("source.model", model)
            .option("source.outputs", "y=y1")
            .load(path);

    assertThat(scored.selectExpr("id", "y1", "y", ALL).collectAsList())
        .containsExactlyInAnyOrderElementsOf(
            plain("parquet", path)
                .selectExpr("id", "x * 2 as y1", "x * 2 as y", ALL)
                .collectAsList());
    assertThat(scored.inputFiles()).hasSize(6);
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void icebergsMetadataColumnsAreDelegated(boolean deletes) {
    lake()
        .sql(
            "CREATE TABLE ice.db.t (id BIGINT, x FLOAT, xs ARRAY<FLOAT>, part BIGINT) USING iceberg PARTITIONED BY (part) TBLPROPERTIES ('format-version'='2', 'write.delete.mode'='merge-on-read')");
    lake()
        .sql(
            "INSERT INTO ice.db.t SELECT id, cast(id as float), array(1f), id % 2 FROM range(100)");
    if (deletes) {
      lake().sql("DELETE FROM ice.db.t WHERE id % 5 = 0");
    }
    Dataset<Row> scored =
        lake()
            .read()
            .format("tensorflow")
            .option("model", model)
            .option("source", "iceberg")
            .load("ice.db.t");
    Dataset<Row> plain = lake().table("ice.db.t");

    assertThat(scored.selectExpr("id", "y", "xs", "_file", "_pos", "_partition").collectAsList())
        .hasSize(deletes ? 80 : 100)
        .containsExactlyInAnyOrderElementsOf(
            plain
                .selectExpr("id", "x * 2 as y", "xs", "_file", "_pos", "_partition")
                .collectAsList());
    assertThat(scored.where("_pos < 5 and _file like '%part=1%'").select("id", "y").collectAsList())
        .isNotEmpty()
        .containsExactlyInAnyOrderElementsOf(
            plain
                .where("_pos < 5 and _file like '%part=1%'")
                .selectExpr("id", "x * 2 as y")
                .collectAsList());
    assertThatThrownBy(() -> scored.select("_metadata.file_path"))
        .hasMessageContaining("_metadata");
  }
}
