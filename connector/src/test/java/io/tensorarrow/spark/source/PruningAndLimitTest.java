package io.tensorarrow.spark.source;

import static org.assertj.core.api.Assertions.assertThat;

import io.tensorarrow.spark.metrics.ModelBatchesMetric;
import io.tensorarrow.spark.metrics.RowsInferredMetric;
import io.tensorarrow.spark.testing.TestModels;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PruningAndLimitTest extends SourceTestBase {
  @Test
  void queriesWithoutTensorsRunNoModel() {
    for (Dataset<Row> query :
        List.of(
            scored().groupBy().count(),
            scored().select("id"),
            scored().where("id > 3").groupBy("part").count(),
            scored().selectExpr("max(x)"))) {
      assertThat(query.collectAsList()).isNotEmpty();
      assertThat(metric(query, ModelBatchesMetric.NAME)).isZero();
      assertThat(scans(query).get(0).scan().description()).contains("runs no model");
    }
    assertThat(scored().groupBy().count().collectAsList().get(0).getLong(0)).isEqualTo(ROWS);
  }

  @Test
  void queriesWithoutTensorsNeedNoLoadableModel() throws IOException {
    Path broken = TestModels.mlp(dir);
    Dataset<Row> scored =
        spark()
            .read()
            .format("tensorflow")
            .option("model", broken.toString())
            .load(tableFor("cast(id as string) as id", "array_repeat(cast(id as float), 8) as x"));
    // Behind the driver's back: a load would now fail.
    try (Stream<Path> files = Files.list(broken.resolve("variables"))) {
      for (Path file : files.toList()) {
        Files.delete(file);
      }
    }

    assertThat(scored.count()).isEqualTo(10);
    assertThat(scored.select("id").collectAsList()).hasSize(10);
  }

  @Test
  void onlyColumnsThatAreNeededAreRead() {
    Dataset<Row> query = scored().select("y");
    query.collectAsList();

    assertThat(scans(query).get(0).scan().description())
        .contains("ReadSchema: struct<x:float>")
        .contains("fetches=[y->y]");
  }

  @ParameterizedTest
  @ValueSource(strings = {"parquet", "orc", "json"})
  void structFieldIsCorrectWithAndWithoutSourcePruning(String format) {
    String path = dir.resolve(format).toString();
    Dataset<Row> plain = spark().read().parquet(table).select("x", "s");
    plain.write().format(format).save(path);

    Dataset<Row> query = reader().option("source", format).load(path).selectExpr("s.c", "s.b", "y");

    assertThat(query.collectAsList())
        .containsExactlyInAnyOrderElementsOf(
            plain.selectExpr("s.c", "s.b", "x * 2 as y").collectAsList());
  }

  @Test
  void dataFieldOfUnknownShapeOutputIsPruned() throws IOException {
    Dataset<Row> scored =
        spark()
            .read()
            .format("tensorflow")
            .option("model", TestModels.kinds(dir).toString())
            .load(
                tableFor(
                    "array_repeat(cast(id as float), 4) as f",
                    "cast(id as double) as d",
                    "array_repeat(cast(id as int), 6) as i",
                    "id as l"));

    assertThat(scored.select("f_grid.shape").collectAsList())
        .hasSize(10)
        .allMatch(r -> r.getList(0).equals(List.of(2, 2)));
    assertThat(scored.selectExpr("l", "f_grid.data[3]").collectAsList())
        .hasSize(10)
        .allMatch(r -> r.getFloat(1) == r.getLong(0));
  }

  @Test
  void emptyPartitionNeverLoadsTheModel() {
    Dataset<Row> query = scored().where("id < 0 or name = 'nobody'").select("y");

    assertThat(query.collectAsList()).isEmpty();
    assertThat(metric(query, ModelBatchesMetric.NAME)).isZero();
  }

  @Test
  void limitBoundsTheRowsRunInEachPartition() {
    Dataset<Row> query = scored().select("id", "y").limit(7);
    int partitions = scored().rdd().getNumPartitions();

    assertThat(query.collectAsList()).hasSize(7);
    assertThat(metric(query, RowsInferredMetric.NAME)).isBetween(7L, 7L * partitions);
    assertThat(scans(query).get(0).scan().description()).contains("limit per partition: 7");
  }

  @Test
  void limitCountsRowsThatPassTheFilters() {
    Dataset<Row> query = scored().where("id % 100 = 3").select("id", "y").limit(4);

    assertThat(query.collectAsList()).hasSize(4).allMatch(r -> r.getLong(0) % 100 == 3);
    assertThat(metric(query, RowsInferredMetric.NAME)).isLessThanOrEqualTo(10);
  }

  @Test
  void limitBehindAFilterOnTensorsIsNotPushed() {
    Dataset<Row> query = scored().where("y > 100").select("id", "y").limit(3);

    assertThat(query.collectAsList()).hasSize(3).allMatch(r -> r.getFloat(1) > 100);
    assertThat(scans(query).get(0).scan().description()).doesNotContain("limit per partition");
  }

  @Test
  void takeAndIsEmptyFreeAllMemory() {
    assertThat(scored().isEmpty()).isFalse();
    assertThat((Row[]) scored().select("y").take(1)).hasSize(1);
    assertThat(scored().select("y").first().getFloat(0)).isGreaterThanOrEqualTo(0);
  }

  /** Writes ten rows. */
  private String tableFor(String... columns) {
    String path = dir.resolve("ten").toString();
    spark().range(10).selectExpr(columns).write().parquet(path);
    return path;
  }
}
