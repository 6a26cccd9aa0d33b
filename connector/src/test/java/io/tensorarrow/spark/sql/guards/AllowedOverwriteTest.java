package io.tensorarrow.spark.sql.guards;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Commands that lose no rows of their own query are not refused. */
class AllowedOverwriteTest extends OverwriteTestBase {
  @Test
  void partitionMayBeOverwrittenWithRowsOfAnotherOne() {
    partitionedTable("parquet");
    scored("parquet", path("t") + "/part=2").createOrReplaceTempView("two");

    lake().sql("INSERT OVERWRITE TABLE t PARTITION (part = 1) SELECT id, y FROM two");

    assertThat(lake().sql("SELECT id, x FROM t WHERE part = 1").collectAsList())
        .containsExactlyInAnyOrderElementsOf(
            lake().sql("SELECT id, x * 2 FROM t WHERE part = 2").collectAsList());
  }

  @Test
  void insertIfNotExistsIntoExistingPartitionIsAllowed() {
    partitionedTable("parquet");
    scored("parquet", path("t")).createOrReplaceTempView("scored");

    lake()
        .sql(
            "INSERT OVERWRITE TABLE t PARTITION (part = 1) IF NOT EXISTS SELECT id, y FROM scored");

    assertRowsAreThere("parquet", path("t"));
  }

  @Test
  void newOrHiddenDirectoryBelowAReadPathMayBeWritten() {
    table("parquet");
    String path = dir.resolve("t").toString();
    String hidden = path + "/_scored";

    for (int i = 0; i < 2; i++) {
      scored("parquet", path).write().mode("overwrite").parquet(hidden);
    }

    assertThat(lake().read().parquet(hidden).count())
        .isEqualTo(lake().read().parquet(path).count());
  }

  @ParameterizedTest
  @MethodSource("formats")
  void dynamicPartitionOverwriteReadsBeforeItDeletes(String format) {
    partitionedTable(format);
    lake().conf().set("spark.sql.sources.partitionOverwriteMode", "dynamic");
    scored(format, path("t")).createOrReplaceTempView("scored");

    lake().sql("INSERT OVERWRITE TABLE t SELECT id, y, part FROM scored WHERE part = 1");

    assertThat(lake().table("t").collectAsList())
        .containsExactlyInAnyOrderElementsOf(
            rows().selectExpr("id", "if(part = 1, x * 2, x)", "part").collectAsList());
  }

  @Test
  void rowsMayBeAppendedToTheTableTheyAreReadFrom() {
    table("parquet");
    scored("parquet", path("t")).createOrReplaceTempView("scored");

    lake().sql("INSERT INTO t SELECT id, y FROM scored");

    assertThat(lake().read().parquet(path("t")).collectAsList())
        .containsExactlyInAnyOrderElementsOf(
            rows().selectExpr("id", "x").union(rows().selectExpr("id", "x * 2")).collectAsList());
  }

  @Test
  void otherPathsMayBeOverwritten() {
    table("parquet");
    Dataset<Row> scored = scored("parquet", path("t")).selectExpr("id", "y AS x");
    scored.createOrReplaceTempView("scored");
    rows().write().parquet(path("t2"));
    lake().sql("CREATE TABLE u (id BIGINT, x FLOAT) USING parquet LOCATION '" + path("u") + "'");
    lake().sql("INSERT INTO u VALUES (1, 1)");

    scored.write().mode("overwrite").parquet(path("t2"));
    lake().sql("INSERT OVERWRITE TABLE u SELECT * FROM scored");
    lake()
        .sql(
            "INSERT OVERWRITE DIRECTORY '%s' USING parquet SELECT * FROM scored"
                .formatted(path("v")));

    for (String target : List.of("t2", "u", "v")) {
      assertThat(lake().read().parquet(path(target)).collectAsList())
          .containsExactlyInAnyOrderElementsOf(doubled());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"insert", "replace", "dynamic"})
  void icebergOverwritesATableWithItsOwnScoredRows(String command) throws Exception {
    lake().sql("CREATE TABLE ice.t (id BIGINT, x FLOAT) USING iceberg");
    rows().drop("part").writeTo("ice.t").append();
    Dataset<Row> scored =
        reader().option("source", "iceberg").load("ice.t").selectExpr("id", "y AS x");
    scored.createOrReplaceTempView("scored");

    switch (command) {
      case "insert" -> lake().sql("INSERT OVERWRITE ice.t SELECT * FROM scored");
      case "replace" -> scored.writeTo("ice.t").using("iceberg").createOrReplace();
      default -> scored.writeTo("ice.t").overwritePartitions();
    }

    assertThat(lake().table("ice.t").collectAsList())
        .containsExactlyInAnyOrderElementsOf(doubled());
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void deltaOverwritesATableWithItsOwnScoredRows(boolean byName) {
    lake().conf().set("spark.databricks.delta.snapshotPartitions", 1);
    lake()
        .sql("CREATE TABLE t (id BIGINT, x FLOAT) USING delta LOCATION '%s'".formatted(path("t")));
    rows().drop("part").write().insertInto("t");
    Dataset<Row> scored = reader().load(lake().table("t").inputFiles()).selectExpr("id", "y AS x");
    scored.createOrReplaceTempView("scored");

    if (byName) {
      lake().sql("INSERT OVERWRITE t SELECT * FROM scored");
    } else {
      scored.write().format("delta").mode("overwrite").save(path("t"));
    }

    assertThat(lake().table("t").collectAsList()).containsExactlyInAnyOrderElementsOf(doubled());
  }
}
