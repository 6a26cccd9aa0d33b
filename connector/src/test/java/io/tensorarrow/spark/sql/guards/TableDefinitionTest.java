package io.tensorarrow.spark.sql.guards;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tensorarrow.spark.TensorFlowDataSource;
import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.testing.LakeTestBase;
import io.tensorarrow.spark.testing.TestModels;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Catalogs get no tables of this format. */
class TableDefinitionTest extends LakeTestBase {
  private static final int ROWS = 10;

  private static final List<String> STATEMENTS =
      List.of(
          "CREATE TABLE x %s",
          "CREATE TABLE IF NOT EXISTS default.x %s",
          "CREATE TABLE x (id BIGINT, y FLOAT) %s",
          "CREATE OR REPLACE TABLE x %s",
          "CREATE TABLE x %s AS SELECT 1 AS a",
          "CREATE OR REPLACE TABLE x %s AS SELECT 1 AS a",
          "CREATE TABLE x USING TensorFlow",
          "CREATE TABLE x USING " + TensorFlowDataSource.class.getName(),
          "CREATE TABLE x USING `" + TensorFlowDataSource.class.getName() + "` AS SELECT 1 AS a");

  /** Without Delta, and new: nothing of this connector has been used in it. */
  private SparkSession session = spark();

  private String options = "";

  @BeforeEach
  void writeTableAndModel() {
    session = spark().newSession();
    SparkSession.setActiveSession(session);
    String path = dir.resolve("t").toString();
    session.range(ROWS).selectExpr("id", "cast(id AS float) AS x").write().parquet(path);
    options =
        "USING tensorflow OPTIONS (model '%s', path '%s')".formatted(TestModels.scale(dir), path);
    session = spark().newSession();
    SparkSession.setActiveSession(session);
  }

  @AfterEach
  void forgetTables() {
    session.sql("DROP TABLE IF EXISTS t");
    // Only where a test fails; the next ones must not fail with it.
    session.sql("DROP TABLE IF EXISTS x");
    session.catalog().dropGlobalTempView("scored");
  }

  @Test
  void tablesOfThisFormatAreRefusedInANewSession() {
    for (String statement : STATEMENTS) {
      session = spark().newSession();
      assertRefused(() -> session.sql(statement.formatted(options)))
          .hasMessageMatching(
              "\\[TA_UNSUPPORTED] Cannot create table '(spark_catalog\\.)?(default\\.)?x': found .*")
          .hasMessageContaining(
              "; expected CREATE TEMPORARY VIEW ... USING tensorflow OPTIONS (...), or GLOBAL TEMPORARY")
          .hasMessageContaining("CREATE TABLE ... USING parquet AS SELECT");
      assertNothingWasCreated(session);
    }
  }

  @Test
  void createIsRefusedInCustomSessionCatalog() {
    for (String statement : STATEMENTS) {
      assertRefused(() -> lake().sql(statement.formatted(options)));
      assertNothingWasCreated(lake());
    }
  }

  @Test
  void createThroughCatalogApiIsRefused() {
    assertRefused(() -> session.catalog().createTable("x", "tensorflow", Map.of("model", "m")));
    assertRefused(
        () -> session.catalog().createTable("x", "tensorflow", Map.of("path", "p", "model", "m")));
    assertNothingWasCreated(session);
  }

  @ParameterizedTest
  @ValueSource(strings = {"errorifexists", "ignore", "append", "overwrite"})
  void savingAsATableIsRefused(String mode) {
    Dataset<Row> rows = session.range(3).toDF();

    assertRefused(() -> rows.write().format("tensorflow").mode(mode).saveAsTable("x"));
    assertRefused(() -> rows.writeTo("x").using("tensorflow").createOrReplace());
    assertNothingWasCreated(session);
  }

  @Test
  void createIsRefusedIfTensorflowIsTheDefaultFormat() {
    session.conf().set("spark.sql.sources.default", "tensorflow");
    session.conf().set("spark.sql.legacy.createHiveTableByDefault", false);

    assertRefused(() -> session.sql("CREATE TABLE x (id BIGINT)"));
    assertRefused(() -> session.sql("CREATE TABLE x AS SELECT 1 AS a"));
    assertRefused(() -> session.range(3).write().saveAsTable("x"));
    assertNothingWasCreated(session);
  }

  @Test
  void createIsRefusedIfSparkUsesTheV1Source() {
    session.conf().set("spark.sql.sources.useV1SourceList", "tensorflow");

    assertRefused(() -> session.sql("CREATE TABLE x " + options));
    assertRefused(() -> session.sql("CREATE TABLE x %s AS SELECT 1 AS a".formatted(options)));
    assertNothingWasCreated(session);
  }

  @Test
  void refusedReplaceKeepsTheTable() {
    session.sql(
        "CREATE TABLE t (id BIGINT, x FLOAT) USING parquet LOCATION '%s'"
            .formatted(dir.resolve("t")));

    assertRefused(() -> session.sql("REPLACE TABLE t " + options));
    assertRefused(() -> session.sql("CREATE OR REPLACE TABLE t " + options));
    assertRefused(() -> session.sql("REPLACE TABLE t %s AS SELECT 1 AS a".formatted(options)));
    assertRefused(() -> session.sql("CREATE TABLE x LIKE t USING tensorflow"));

    assertThat(session.table("t").count()).isEqualTo(ROWS);
    assertNothingWasCreated(session);
  }

  @ParameterizedTest
  @ValueSource(strings = {"TEMPORARY VIEW scored", "OR REPLACE TEMPORARY VIEW scored"})
  void temporaryViewsAreCreated(String what) {
    session.sql("CREATE " + what + " " + options);

    assertThat(session.sql("SELECT sum(y) FROM scored").first().getDouble(0)).isEqualTo(90.0);
  }

  @Test
  void globalTemporaryViewsAreCreatedAndSavedAsTables() {
    session.sql("CREATE GLOBAL TEMPORARY VIEW scored " + options);
    session.sql(
        "CREATE TABLE t USING parquet LOCATION '%s' AS SELECT * FROM global_temp.scored"
            .formatted(dir.resolve("u")));

    assertThat(session.sql("SELECT sum(y) FROM t").first().getDouble(0)).isEqualTo(90.0);
  }

  private static org.assertj.core.api.AbstractThrowableAssert<?, ? extends Throwable> assertRefused(
      ThrowingCallable command) {
    return assertThatThrownBy(command)
        .isInstanceOfSatisfying(
            TensorArrowException.class,
            e -> assertThat(e.code()).isEqualTo(ErrorCode.TA_UNSUPPORTED));
  }

  private static void assertNothingWasCreated(SparkSession session) {
    assertThat(session.catalog().tableExists("x")).isFalse();
    assertThat(session.sql("SHOW TABLES LIKE 'x'").collectAsList()).isEmpty();
  }
}
