package io.tensorarrow.spark.sql.guards;

import static org.assertj.core.api.Assertions.assertThat;

import io.tensorarrow.spark.sql.guards.DroppingCatalog.Kind;
import io.tensorarrow.spark.sql.guards.DroppingCatalog.OtherSource;
import java.util.List;
import org.apache.spark.sql.DataFrameReader;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Tables that a catalog drops or truncates before the query that replaces them reads them. */
class ReplaceGuardTest extends OverwriteTestBase {
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
}
