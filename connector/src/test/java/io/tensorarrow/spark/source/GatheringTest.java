package io.tensorarrow.spark.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tensorarrow.spark.metrics.ModelBatchesMetric;
import io.tensorarrow.spark.metrics.RowsInferredMetric;
import io.tensorarrow.spark.testing.BatchModels;
import io.tensorarrow.spark.testing.FailingModels;
import java.io.IOException;
import java.util.List;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A model gets full batches of rows that come from many small batches of the source. */
class GatheringTest extends SourceTestBase {
  private static final String OPEN_COST = "spark.sql.files.openCostInBytes";
  private static final String PARTITIONS = "spark.sql.files.minPartitionNum";

  @AfterEach
  void unset() {
    spark().conf().unset(OPEN_COST);
    spark().conf().unset(PARTITIONS);
  }

  /** Writes rows of {@code id} and what is given, so many to a file, in one or two partitions. */
  private void write(String format, int rows, int files, String... columns) {
    spark().conf().set(OPEN_COST, "0");
    spark().conf().set(PARTITIONS, "1");
    table = dir.resolve("files").toString();
    spark().range(0, rows, 1, files).selectExpr(columns).write().format(format).save(table);
  }

  private static List<Row> rows(Dataset<Row> query) {
    return query.collectAsList();
  }

  @Test
  void smallFilesFillTheModelsBatches() {
    write("parquet", 10_000, 100, "id", "cast(id as float) as x", "cast(id as string) as t");
    Dataset<Row> query = scored().select("id", "t", "y");

    assertThat(rows(query))
        .containsExactlyInAnyOrderElementsOf(
            rows(spark().range(10_000).selectExpr("id", "string(id)", "float(id * 2)")));
    assertThat(metric(query, ModelBatchesMetric.NAME)).isEqualTo(10);
    assertThat(query.rdd().getNumPartitions()).isEqualTo(1);
  }

  @Test
  void rowsThatASelectiveFilterKeepsFillTheModelsBatches() {
    write("parquet", 200_000, 1, "id", "cast(id as float) as x", "array(id, null) as a");
    Dataset<Row> query = scored().where("id % 50 = 7").select("id", "a", "y");

    assertThat(rows(query))
        .containsExactlyInAnyOrderElementsOf(
            rows(
                spark()
                    .range(200_000)
                    .where("id % 50 = 7")
                    .selectExpr("id", "array(id, null)", "float(id * 2)")));
    assertThat(metric(query, RowsInferredMetric.NAME)).isEqualTo(4000);
    assertThat(metric(query, ModelBatchesMetric.NAME)).isEqualTo(4);
  }

  /** Small ones wait for one another, but not for a large one, which is not worth copying. */
  @ParameterizedTest
  @CsvSource({
    "1, 1, 20, 20",
    "7, 1, 20, 3",
    "10, 4, 20, 2",
    "4, 4, 20, 5",
    "100, 4, 20, 1",
    "6, 4, 20, 5",
    "1000, 20, 20, 1",
    "8, 20, 20, 3"
  })
  void batchesAreFullOrOfOneFile(int batchRows, int fileRows, int rows, int calls) {
    write("parquet", rows, rows / fileRows, "id", "cast(id as float) as x");
    Dataset<Row> query = reader().option("batchRows", batchRows).load(table).select("id", "y");

    assertThat(rows(query)).hasSize(rows).allMatch(row -> row.getFloat(1) == 2f * row.getLong(0));
    assertThat(metric(query, ModelBatchesMetric.NAME)).isEqualTo(calls);
  }

  @ParameterizedTest
  @ValueSource(strings = {"parquet", "orc", "json"})
  void inputFileNameIsThatOfEachRow(String format) {
    write(format, 500, 25, "id", "cast(id as float) as x", "string(id) as t");
    String[] columns = {"id", "t", "float(x * 2) as y", "input_file_name()"};
    String[] scoredColumns = {"id", "t", "y", "input_file_name()"};
    Dataset<Row> query =
        reader()
            .option("source", format)
            .load(table)
            .where("id % 3 = 1 and y >= 0")
            .selectExpr(scoredColumns);

    assertThat(rows(query))
        .hasSize(167)
        .containsExactlyInAnyOrderElementsOf(
            rows(
                spark().read().format(format).load(table).where("id % 3 = 1").selectExpr(columns)));
    assertThat(metric(query, ModelBatchesMetric.NAME)).isEqualTo(1);
  }

  @Test
  void metadataIsThatOfEachRow() {
    write("parquet", 500, 25, "id", "cast(id as float) as x");
    Dataset<Row> query = scored().selectExpr("id", "y", "_metadata.file_path");

    assertThat(rows(query))
        .containsExactlyInAnyOrderElementsOf(
            rows(
                spark()
                    .read()
                    .parquet(table)
                    .selectExpr("id", "float(x * 2)", "_metadata.file_path")));
    assertThat(metric(query, ModelBatchesMetric.NAME)).isEqualTo(1);
  }

  @Test
  void errorNamesFileAndRowOfAGatheredRow() {
    write("parquet", 500, 25, "id", "if(id = 333, null, cast(id as float)) as x");
    Row bad =
        spark()
            .read()
            .parquet(table)
            .selectExpr("id", "input_file_name()", "input_file_block_length()")
            .where("id = 333")
            .first();
    String place = "in row 13 of split 0+" + bad.getLong(2) + " of '" + bad.getString(1) + "'";

    assertThatThrownBy(() -> rows(scored().select("y"))).hasMessageContaining(place);
    assertThatThrownBy(() -> rows(scored().where("id % 3 = 0").select("y")))
        .hasMessageContaining(place);
  }

  @Test
  void errorOfAModelBehindAnotherNamesFileAndRow() throws IOException {
    write(
        "parquet",
        500,
        25,
        "id",
        "cast(id as float) as x",
        "if(id = 333, array(1f), array(1f, 2f)) as v");
    String vectors = BatchModels.threeRows(dir).toString();
    Dataset<Row> chained =
        spark()
            .read()
            .format("tensorflow")
            .option("model", vectors)
            .option("inputs", "x=v, s=y")
            .option("outputs", "next")
            .option("source", "tensorflow")
            .option("source.model", model)
            .option("source.batchRows", 50)
            .load(table);

    assertThat(rows(chained.where("id < 320 and id % 3 = 1").select("id", "next")))
        .hasSize(107)
        .allMatch(row -> row.getFloat(1) == 2 * row.getLong(0) + 1);
    assertThatThrownBy(() -> rows(chained.where("id % 3 = 0").select("next")))
        .hasMessageContaining("in row 13 of split 0+");
  }

  @Test
  void errorOfACallNamesItsFirstAndLastRow() throws IOException {
    write("parquet", 60, 3, "id", "if(id = 47, 0, 1) as x");
    model = FailingModels.failing(dir).toString();
    Dataset<Row> scored = reader().option("cast", "unsafe").load(table);

    assertThatThrownBy(() -> rows(scored.where("id % 20 > 4").select("y")))
        .hasMessageContaining("for the rows from row 5 of split 0+")
        .hasMessageContaining(" to row 19 of split 0+");
  }

  @Test
  void limitGathersNoMoreThanItNeeds() {
    write("parquet", 500, 25, "id", "cast(id as float) as x");
    Dataset<Row> query = scored().select("id", "y").limit(30);

    assertThat(rows(query)).hasSize(30).allMatch(row -> row.getFloat(1) == 2f * row.getLong(0));
    assertThat(metric(query, RowsInferredMetric.NAME)).isEqualTo(30);
    assertThat(metric(query, ModelBatchesMetric.NAME)).isEqualTo(1);
  }

  @Test
  void batchesOfAFixedSizeAreFilled() throws IOException {
    write("parquet", 40, 20, "id", "cast(id as float) as s", "array(cast(id as float), 1f) as x");
    model = BatchModels.threeRows(dir).toString();
    Dataset<Row> query = reader().option("outputs", "next").load(table).select("id", "next");

    assertThat(rows(query)).hasSize(40).allMatch(row -> row.getFloat(1) == row.getLong(0) + 1);
    assertThat(metric(query, ModelBatchesMetric.NAME)).isEqualTo(14);
  }
}
