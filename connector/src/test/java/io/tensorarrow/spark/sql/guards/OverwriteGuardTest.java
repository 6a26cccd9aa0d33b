package io.tensorarrow.spark.sql.guards;

import static org.assertj.core.api.Assertions.assertThat;

import io.tensorarrow.spark.testing.TestModels;
import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Commands that would delete files before their own query reads them are refused. */
class OverwriteGuardTest extends OverwriteTestBase {
  /** Queries over the view that Spark plans in different ways. */
  private static final List<String> QUERIES =
      List.of(
          "SELECT id, y FROM scored",
          "SELECT id, y FROM scored WHERE y > 4 ORDER BY y LIMIT 5",
          "SELECT id, max(y) FROM scored GROUP BY id",
          "SELECT a.id, b.y FROM other a JOIN scored b ON a.id = b.id",
          "SELECT id, x FROM other UNION ALL SELECT id, y FROM scored",
          "WITH c AS (SELECT id, y FROM scored) SELECT a.id, b.y FROM c a JOIN c b ON a.id = b.id + 1",
          "SELECT id, x FROM other WHERE x < (SELECT max(y) FROM scored)",
          "SELECT id, x FROM other WHERE id IN (SELECT id FROM scored WHERE y > 4)",
          "SELECT id, x FROM other WHERE id NOT IN (SELECT id FROM scored WHERE y > 4)",
          "SELECT id, x FROM other o WHERE EXISTS (SELECT 1 FROM scored s WHERE s.id = o.id)",
          "SELECT id, x FROM other WHERE x < (SELECT max(x) FROM other WHERE x < (SELECT max(y) FROM scored))",
          "SELECT id, if(id > 3, coalesce((SELECT max(y) FROM scored), x), x) FROM other",
          "SELECT o.id, l.y FROM other o, LATERAL (SELECT y FROM scored s WHERE s.id = o.id) l");

  @ParameterizedTest
  @CsvSource({"parquet, true", "parquet, false", "orc, true", "orc, false"})
  void tableIsNotOverwrittenWithItsOwnScoredRows(String format, boolean adaptive) {
    lake().conf().set("spark.sql.adaptive.enabled", adaptive);
    table(format);
    scored(format, path("t")).createOrReplaceTempView("scored");

    assertRefused(() -> lake().sql("INSERT OVERWRITE TABLE t SELECT id, y FROM scored"))
        .hasMessageStartingWith("[TA_OVERWRITE] Cannot overwrite path 'file:" + path("t") + "'")
        .hasMessageContaining(
            ": found that the query reads path 'file:%s', as table 'tensorflow scale over %s file:%s', after the old files would be deleted"
                .formatted(path("t"), format, path("t")))
        .hasMessageContaining("; expected a target that the query does not read: write to another")
        .hasMessageContaining("INSERT INTO a new table")
        .hasMessageContaining("spark.sql.sources.partitionOverwriteMode=dynamic");
    assertRowsAreThere(format, path("t"));
  }

  @Test
  void scoredReadIsFoundAnywhereInTheQuery() {
    table("parquet");
    other();
    scored("parquet", path("t")).createOrReplaceTempView("scored");

    for (String query : QUERIES) {
      assertRefused(() -> lake().sql("INSERT OVERWRITE TABLE t " + query));
    }
    assertRowsAreThere("parquet", path("t"));
  }

  @Test
  void scoredReadIsFoundBelowNestedViews() {
    table("parquet");
    lake()
        .sql(
            "CREATE GLOBAL TEMPORARY VIEW scored USING tensorflow OPTIONS (model '%s', path '%s')"
                .formatted(model, path("t")));
    lake().sql("CREATE GLOBAL TEMPORARY VIEW twice AS SELECT id, y FROM global_temp.scored");
    lake().sql("CREATE TEMPORARY VIEW chain AS SELECT * FROM global_temp.twice WHERE y > 1");

    assertRefused(() -> lake().sql("INSERT OVERWRITE TABLE t SELECT * FROM chain"));
    assertRowsAreThere("parquet", path("t"));
  }

  @ParameterizedTest
  @CsvSource({"parquet, true, true", "parquet, true, false", "orc, false, true"})
  void scoredReadIsFoundBelowACachedQuery(String format, boolean adaptive, boolean materialised) {
    lake().conf().set("spark.sql.adaptive.enabled", adaptive);
    table(format);
    other();
    scored(format, path("t")).createOrReplaceTempView("scored");
    List<String> cached =
        List.of(
            "SELECT id, y FROM scored WHERE id >= 0",
            "SELECT a.id, a.y FROM scored a JOIN (SELECT DISTINCT id FROM scored) b ON a.id = b.id",
            "SELECT id, x AS y FROM other WHERE x < (SELECT max(y) FROM scored)");

    for (String query : cached) {
      Dataset<Row> inner = lake().sql(query).cache();
      Dataset<Row> outer = inner.groupBy("id").max("y").toDF("id", "y").cache();
      if (materialised) {
        assertThat(outer.count()).isPositive();
      }

      inner.createOrReplaceTempView("cached");
      assertRefused(() -> lake().sql("INSERT OVERWRITE TABLE t SELECT id, y FROM cached"));
      outer.createOrReplaceTempView("cached");
      assertRefused(() -> lake().sql("INSERT OVERWRITE TABLE t SELECT id, y FROM cached"));
      lake().catalog().clearCache();
    }
    assertRowsAreThere(format, path("t"));
  }

  @ParameterizedTest
  @MethodSource("formats")
  void partitionIsNotOverwrittenWithRowsOfItsTable(String format) {
    partitionedTable(format);
    scored(format, path("t")).createOrReplaceTempView("scored");
    scored(format, path("t") + "/part=1").createOrReplaceTempView("one");

    String insert = "INSERT OVERWRITE TABLE t PARTITION (part = 1) ";
    assertRefused(() -> lake().sql(insert + "SELECT id, y FROM scored WHERE part = 2"))
        .hasMessageContaining("Cannot overwrite path 'file:" + path("t") + "/part=1'");
    assertRefused(() -> lake().sql(insert + "SELECT id, y FROM one"));
    assertRefused(() -> lake().sql("INSERT OVERWRITE TABLE t SELECT id, y, 1 FROM one"));
    assertRowsAreThere(format, path("t"));
  }

  @Test
  void partitionsInOtherLocationsAreGuarded() {
    partitionedTable("parquet");
    String elsewhere = path("elsewhere");
    rows().drop("part").write().parquet(elsewhere);
    lake().sql("ALTER TABLE t ADD PARTITION (part = 9) LOCATION '" + elsewhere + "'");
    scored("parquet", elsewhere).createOrReplaceTempView("scored");

    assertRefused(() -> lake().sql("INSERT OVERWRITE TABLE t SELECT id, y, 9 FROM scored"))
        .hasMessageContaining("Cannot overwrite path 'file:" + elsewhere + "'");
    assertRefused(
        () -> lake().sql("INSERT OVERWRITE TABLE t PARTITION (part = 9) SELECT id, y FROM scored"));
    assertRowsAreThere("parquet", elsewhere);

    lake().sql("INSERT OVERWRITE TABLE t PARTITION (part = 1) SELECT id, y FROM scored");
    assertRowsAreThere("parquet", elsewhere);
    assertThat(lake().sql("SELECT sum(x) FROM t WHERE part = 1").first().getDouble(0))
        .isEqualTo(ROWS * (ROWS - 1.0));
  }

  @ParameterizedTest
  @MethodSource("formats")
  void directoriesAreGuardedLikeTables(String format) {
    table(format);
    Dataset<Row> scored = scored(format, path("t")).selectExpr("id", "y AS x");
    scored.createOrReplaceTempView("scored");

    assertRefused(() -> scored.write().mode("overwrite").format(format).save(path("t")));
    assertRefused(() -> scored.write().mode("overwrite").insertInto("t"));
    assertRefused(
        () ->
            lake()
                .sql(
                    "INSERT OVERWRITE DIRECTORY '%s' USING %s SELECT * FROM scored"
                        .formatted(path("t"), format)));
    assertRowsAreThere(format, path("t"));
  }

  @Test
  void directoriesAboveAndBelowAReadPathAreGuarded() {
    String above = path("above");
    rows().write().partitionBy("part").parquet(above + "/t");

    Dataset<Row> scored = scored("parquet", above + "/t");
    for (String target : List.of(above, above + "/t", above + "/t/part=1", above + "/./t/../t")) {
      assertRefused(() -> scored.write().mode("overwrite").parquet(target));
    }
    assertRowsAreThere("parquet", above + "/t");
  }

  @Test
  void symbolicLinksAreFollowed() throws IOException {
    table("parquet");
    Files.createSymbolicLink(dir.resolve("link"), dir.resolve("t"));
    scored("parquet", path("link")).createOrReplaceTempView("scored");

    assertRefused(() -> lake().sql("INSERT OVERWRITE TABLE t SELECT id, y FROM scored"));
    assertRowsAreThere("parquet", path("t"));
  }

  @Test
  void readOfSingleFilesGuardsTheirTable() {
    table("parquet");
    reader().load(lake().table("t").inputFiles()).createOrReplaceTempView("scored");

    assertRefused(() -> lake().sql("INSERT OVERWRITE TABLE t SELECT id, y FROM scored"));
    assertRowsAreThere("parquet", path("t"));
  }

  @Test
  void scoredReadIsFoundBelowAnotherModel() throws IOException {
    table("parquet");
    reader()
        .option("model", TestModels.scaleBy(dir.resolve("triple"), 3).toString())
        .option("inputs", "x=y")
        .option("outputs", "y=z")
        .option("source", "tensorflow")
        .option("source.model", model)
        .load(path("t"))
        .createOrReplaceTempView("scored");

    assertRefused(() -> lake().sql("INSERT OVERWRITE TABLE t SELECT id, z FROM scored"));
    assertRowsAreThere("parquet", path("t"));
  }
}
