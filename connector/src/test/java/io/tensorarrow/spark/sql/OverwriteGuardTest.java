package io.tensorarrow.spark.sql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.sql.DroppingCatalog.Kind;
import io.tensorarrow.spark.sql.DroppingCatalog.OtherSource;
import io.tensorarrow.spark.testing.LakeTestBase;
import io.tensorarrow.spark.testing.TestModels;
import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.apache.spark.sql.DataFrameReader;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A table {@code t} of files in the session catalog, and a view {@code scored} over the files. */
class OverwriteGuardTest extends LakeTestBase {
  private static final int ROWS = 40;

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

  private String model = "";

  @BeforeEach
  void writeModel() {
    model = TestModels.scale(dir).toString();
  }

  @AfterEach
  void forgetTables() {
    lake().catalog().clearCache();
    for (Row table : lake().sql("SHOW TABLES IN default").collectAsList()) {
      if (!table.getBoolean(2)) {
        lake().sql("DROP TABLE " + table.getString(1));
      }
    }
    for (Row view : lake().sql("SHOW VIEWS IN global_temp").collectAsList()) {
      lake().catalog().dropGlobalTempView(view.getString(1));
    }
  }

  static Stream<String> formats() {
    return Stream.of("parquet", "orc");
  }

  @ParameterizedTest
  @CsvSource({"parquet, true", "parquet, false", "orc, true", "orc, false"})
  void aTableIsNotOverwrittenWithItsOwnScoredRows(String format, boolean adaptive) {
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

  @Test
  void newTableAtTheReadLocationIsRefused() {
    // Delta's catalog creates no tables of other formats from queries.
    SparkSession plain = spark().newSession();
    SparkSession.setActiveSession(plain);
    rows().drop("part").write().parquet(path("t"));
    Dataset<Row> scored = reader(plain).load(path("t")).selectExpr("id", "y AS x");

    for (String mode : List.of("overwrite", "append")) {
      assertRefused(
          () -> scored.write().mode(mode).option("path", path("t")).saveAsTable("new_one"));
    }
    plain.conf().set("spark.sql.legacy.allowNonEmptyLocationInCTAS", true);
    scored.createOrReplaceTempView("scored");
    assertRefused(
        () ->
            plain.sql(
                "CREATE TABLE new_one USING parquet LOCATION '%s' AS SELECT * FROM scored"
                    .formatted(path("t"))));

    assertThat(plain.catalog().tableExists("new_one")).isFalse();
    assertRowsAreThere("parquet", path("t"));
  }

  @ParameterizedTest
  @EnumSource(Kind.class)
  void tableDroppedBeforeReplaceIsGuarded(Kind kind) {
    catalog(kind);
    rows().drop("part").write().parquet(path("t"));
    DataFrameReader reader = reader();
    if (kind == Kind.NAMED) {
      reader.option("source", OtherSource.class.getName());
    }
    Dataset<Row> scored = reader.load(path("t")).selectExpr("id", "y AS x");
    scored.createOrReplaceTempView("scored");

    assertRefused(() -> lake().sql("CREATE OR REPLACE TABLE files.t AS SELECT * FROM scored"));
    assertRefused(() -> lake().sql("REPLACE TABLE files.t AS SELECT * FROM scored"))
        .hasMessageContaining(kind == Kind.NAMED ? "table 'other t'" : "path 'file:" + path("t"));
    assertRefused(() -> scored.writeTo("files.t").createOrReplace());
    assertRowsAreThere("parquet", path("t"));
  }

  @Test
  void locationPropertyOfWrappedTableIsGuarded() {
    rows().drop("part").write().parquet(path("t"));
    Dataset<Row> scored =
        reader()
            .option("source", OtherSource.class.getName())
            .option("source.located", "true")
            .load(path("t"));

    assertRefused(() -> scored.write().mode("overwrite").parquet(path("t")));
    assertRowsAreThere("parquet", path("t"));
  }

  @Test
  void tableMayBeReplacedByRowsOfAnotherTable() {
    catalog(Kind.FILES);
    rows().drop("part").write().parquet(path("t"));
    rows().drop("part").limit(1).write().parquet(path("u"));
    Dataset<Row> scored = scored("parquet", path("t")).selectExpr("id", "y AS x");

    scored.writeTo("files.u").createOrReplace();
    scored.writeTo("files.v").createOrReplace();

    for (String table : List.of("files.u", "files.v")) {
      assertThat(lake().table(table).collectAsList())
          .containsExactlyInAnyOrderElementsOf(doubled());
    }
  }

  /** The session catalog, and Delta's in its place: it stages, but only tables of Delta. */
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void replaceInSessionCatalogIsGuarded(boolean delta) {
    SparkSession session = delta ? lake() : spark().newSession();
    SparkSession.setActiveSession(session);
    session.sql("CREATE DATABASE own LOCATION '%s'".formatted(dir));
    session.sql("CREATE TABLE own.t (id BIGINT, x FLOAT) USING parquet");
    rows().drop("part").write().insertInto("own.t");
    reader(session).load(path("t")).createOrReplaceTempView("scored");
    try {
      assertRefused(
          () ->
              session.sql("CREATE OR REPLACE TABLE own.t USING noop AS SELECT id, y FROM scored"));
      assertRowsAreThere("parquet", path("t"));
    } finally {
      session.sql("DROP DATABASE own CASCADE");
    }
  }

  @Test
  void truncatingOverwriteOfReadFilesIsRefused() {
    catalog(Kind.FILES);
    rows().drop("part").write().parquet(path("t"));
    rows().drop("part").limit(1).write().parquet(path("u"));
    scored("parquet", path("t")).createOrReplaceTempView("scored");

    assertRefused(() -> lake().sql("INSERT OVERWRITE files.t SELECT id, y FROM scored"));
    assertRowsAreThere("parquet", path("t"));

    lake().sql("INSERT OVERWRITE files.u SELECT id, y FROM scored");
    assertThat(lake().table("files.u").collectAsList())
        .containsExactlyInAnyOrderElementsOf(doubled());
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
  void icebergOverwritesATableWithItsOwnScoredRows(String way) throws Exception {
    lake().sql("CREATE TABLE ice.t (id BIGINT, x FLOAT) USING iceberg");
    rows().drop("part").writeTo("ice.t").append();
    Dataset<Row> scored =
        reader().option("source", "iceberg").load("ice.t").selectExpr("id", "y AS x");
    scored.createOrReplaceTempView("scored");

    switch (way) {
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

  private String path(String name) {
    return dir.resolve(name).toString();
  }

  private Dataset<Row> rows() {
    return SparkSession.active()
        .range(0, ROWS, 1, 1)
        .selectExpr("id", "cast(id AS float) AS x", "cast(id % 3 AS int) AS part");
  }

  private List<Row> doubled() {
    return rows().selectExpr("id", "x * 2").collectAsList();
  }

  private void table(String format) {
    rows().drop("part").write().format(format).save(path("t"));
    lake()
        .sql(
            "CREATE TABLE t (id BIGINT, x FLOAT) USING %s LOCATION '%s'"
                .formatted(format, path("t")));
  }

  private void partitionedTable(String format) {
    rows().write().format(format).partitionBy("part").save(path("t"));
    lake()
        .sql(
            "CREATE TABLE t (id BIGINT, x FLOAT, part INT) USING %s PARTITIONED BY (part) LOCATION '%s'"
                .formatted(format, path("t")));
    lake().sql("MSCK REPAIR TABLE t");
  }

  private void other() {
    rows().drop("part").write().parquet(path("other"));
    lake().read().parquet(path("other")).createOrReplaceTempView("other");
  }

  private void catalog(Kind kind) {
    lake().conf().set("spark.sql.catalog.files", DroppingCatalog.class.getName());
    lake().conf().set("spark.sql.catalog.files.directory", dir.toString());
    lake().conf().set("spark.sql.catalog.files.tables", kind.toString().toUpperCase(Locale.ROOT));
  }

  private DataFrameReader reader() {
    return reader(lake());
  }

  private DataFrameReader reader(SparkSession session) {
    return session.read().format("tensorflow").option("model", model);
  }

  private Dataset<Row> scored(String format, String path) {
    return reader().option("source", format).load(path);
  }

  private static org.assertj.core.api.AbstractThrowableAssert<?, ? extends Throwable> assertRefused(
      ThrowingCallable command) {
    return assertThatThrownBy(command)
        .isInstanceOfSatisfying(
            TensorArrowException.class,
            e -> assertThat(e.code()).isEqualTo(ErrorCode.TA_OVERWRITE));
  }

  /** Looks at the files themselves. */
  private void assertRowsAreThere(String format, String path) {
    assertThat(lake().read().format(format).load(path).selectExpr("id", "x").collectAsList())
        .containsExactlyInAnyOrderElementsOf(rows().selectExpr("id", "x").collectAsList());
  }
}
