package io.tensorarrow.spark.sql.tables;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.metrics.RowsInferredMetric;
import io.tensorarrow.spark.testing.LakeTestBase;
import io.tensorarrow.spark.testing.TestModels;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.apache.spark.sql.AnalysisException;
import org.apache.spark.sql.DataFrameReader;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.execution.CollectLimitExec;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The data source over catalog tables, queries, and formats without a reader of version 2. */
class QueryTableTest extends LakeTestBase {
  private String model = "";

  @BeforeEach
  void writeModel() {
    model = TestModels.scale(dir).toString();
    lake().sql("DROP TABLE IF EXISTS rows");
    lake().sql("DROP TABLE IF EXISTS target");
  }

  @AfterEach
  void dropTables() {
    lake().catalog().clearCache();
    lake().catalog().dropGlobalTempView("shared");
    lake().sql("DROP TABLE IF EXISTS rows");
    lake().sql("DROP TABLE IF EXISTS target");
  }

  /** Makes a table of 100 rows in four partitions, and returns its name. */
  private String table(String format) {
    String table =
        switch (format) {
          case "iceberg" -> "ice.db.rows";
          case "delta by path" -> "delta.`" + dir.resolve("delta") + "`";
          default -> "rows";
        };
    lake()
        .sql(
            "CREATE TABLE %s (id BIGINT, x FLOAT, part INT) USING %s PARTITIONED BY (part)"
                .formatted(table, format.split(" ", 2)[0]));
    lake()
        .sql(
            "INSERT INTO %s SELECT id, cast(id as float), cast(id %% 4 as int) FROM range(100)"
                .formatted(table));
    return table;
  }

  private DataFrameReader reader() {
    return lake().read().format("tensorflow").option("model", model);
  }

  private static void assertDoubled(Dataset<Row> scored, int rows) {
    assertThat((scored.columns().length == 2 ? scored : scored.select("id", "y")).collectAsList())
        .hasSize(rows)
        .allMatch(row -> row.getFloat(1) == 2 * row.getLong(0));
  }

  @ParameterizedTest
  @ValueSource(strings = {"parquet", "orc", "iceberg", "delta", "delta by path"})
  void modelRunsOverTableOfAnyCatalog(String format) {
    Dataset<Row> scored = reader().option("table", table(format)).load();

    assertThat(scored.columns()).containsExactly("id", "x", "part", "y");
    assertThat(scored.schema().apply("y").metadata().contains("tensor.dtype")).isTrue();
    assertDoubled(scored, 100);
  }

  @ParameterizedTest
  @ValueSource(strings = {"parquet", "iceberg", "delta"})
  void filtersReachTheTable(String format) {
    Dataset<Row> scored =
        reader()
            .option("table", table(format))
            .load()
            .where("part = 1 AND id > 50 AND y > 102.0")
            .select("id", "y");

    assertDoubled(scored, 12);
    assertThat(metric(scored, RowsInferredMetric.NAME)).isEqualTo(12);
    // Two tasks wrote the table's four partitions.
    assertThat(metric(scored, "resultDataFiles") + metric(scored, "numFiles")).isBetween(1L, 2L);
  }

  @Test
  void modelRunsOverQuery() {
    String table = table("parquet");
    Dataset<Row> scored =
        reader()
            .option(
                "query",
                "SELECT r.id, r.x, s.id AS other FROM %s r JOIN range(10, 20) s ON r.id = s.id"
                    .formatted(table))
            .load();

    assertThat(scored.columns()).containsExactly("id", "x", "other", "y");
    assertThat(scored.collectAsList()).hasSize(10).allMatch(r -> r.getFloat(3) == 2 * r.getLong(0));
    assertThat(metric(scored, RowsInferredMetric.NAME)).isEqualTo(10);
  }

  @Test
  void tableMayBeTemporaryView() {
    lake().range(5).selectExpr("id", "cast(id AS float) AS x").createOrReplaceTempView("view");

    assertDoubled(reader().option("table", "view").load(), 5);
  }

  @Test
  void temporaryViewOverQueryIsReadBySql() {
    lake()
        .sql(
            "CREATE TEMPORARY VIEW scored USING tensorflow OPTIONS (model '%s', query 'SELECT id, float(id) AS x FROM range(7)')"
                .formatted(model));

    assertDoubled(lake().table("scored"), 7);
    assertThat(lake().sql("SELECT count(*) FROM scored a JOIN scored b USING (id, y)").first())
        .isEqualTo(RowFactory.create(7L));
  }

  @Test
  void namesOfQueryAreThoseOfTheTimeItWasOpened() {
    lake().range(3).selectExpr("id", "float(id) AS x").createOrReplaceTempView("view");
    Dataset<Row> scored = reader().option("query", "SELECT * FROM view").load();
    lake().range(9).selectExpr("id", "float(id + 1) AS x").createOrReplaceTempView("view");

    assertDoubled(scored, 3);
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void filesOfFormatOfVersion1AreRead(boolean bySql) throws IOException {
    Path files = Files.createDirectory(dir.resolve("files"));
    for (String text : List.of("a", "bb", "ccc")) {
      Files.writeString(files.resolve(text), text);
    }
    String strings = TestModels.strings(dir).toString();
    Dataset<Row> lengths;
    if (bySql) {
      lake()
          .sql(
              "CREATE TEMPORARY VIEW scored USING tensorflow OPTIONS (model '%s', source 'binaryFile', inputs 'text=content', outputs 'length=n', path '%s')"
                  .formatted(strings, files));
      lengths = lake().table("scored");
    } else {
      lengths =
          lake()
              .read()
              .format("tensorflow")
              .option("model", strings)
              .option("source", "binaryFile")
              .option("inputs", "text=content")
              .option("outputs", "length=n")
              .load(files.toString());
    }

    assertThat(lengths.columns()).startsWith("path", "modificationTime", "length", "content");
    assertThat(lengths.count()).isEqualTo(3);
    assertThat(lengths.collectAsList()).hasSize(3);
    assertThat(
            lengths.selectExpr("n", "substring_index(input_file_name(), '/', -1)").collectAsList())
        .containsExactlyInAnyOrder(
            RowFactory.create(1, "a"), RowFactory.create(2, "bb"), RowFactory.create(3, "ccc"));
    if (!bySql) {
      // Views of Spark have no metadata columns.
      assertThat(
              lengths
                  .where("_metadata.file_name = 'bb'")
                  .selectExpr("_metadata.file_name", "n")
                  .first())
          .isEqualTo(RowFactory.create("bb", 2));
    }
    assertThat(lengths.inputFiles()).hasSize(3);
  }

  @Test
  void cachedReadOfFilesSeesFilesThatAreWritten() throws IOException {
    Path files = Files.createDirectory(dir.resolve("files"));
    Files.writeString(files.resolve("a"), "text");
    String strings = TestModels.strings(dir).toString();
    Dataset<Row> scored =
        lake()
            .read()
            .format("tensorflow")
            .option("model", strings)
            .option("source", "binaryFile")
            .option("inputs", "text=content")
            .option("outputs", "length=n")
            .load(files.toString())
            .cache();
    assertThat(scored.count()).isEqualTo(1);

    lake().range(0, 2, 1, 1).write().mode("append").parquet(files.toString());

    assertThat(scored.select("length").count()).isEqualTo(2);
  }

  @Test
  void formatWithTablesOfItsOwnIsReadByPath() {
    table("delta by path");

    assertDoubled(reader().option("source", "delta").load(dir.resolve("delta").toString()), 100);
  }

  @Test
  void readOverReadIsPlannedToo() {
    lake().range(6).selectExpr("id", "float(id) AS x").createOrReplaceTempView("view");
    Dataset<Row> twice =
        reader()
            .option("source", "tensorflow")
            .option("source.model", model)
            .option("source.table", "view")
            .option("source.outputs", "y=x2")
            .option("inputs", "x=x2")
            .load();

    assertThat(twice.selectExpr("max(y)").first()).isEqualTo(RowFactory.create(20f));
  }

  @Test
  void outputsThatNobodyNeedsAreNotComputed() {
    Dataset<Row> ids = reader().option("table", table("parquet")).load().select("id");

    assertThat(ids.collectAsList()).hasSize(100);
    assertThat(metric(ids, RowsInferredMetric.NAME)).isZero();
  }

  @Test
  void limitReadsFewRowsAndPartitions() {
    Dataset<Row> few = reader().option("table", table("parquet")).load().select("id", "y").limit(3);

    assertDoubled(few, 3);
    assertThat(nodes(few)).anyMatch(CollectLimitExec.class::isInstance);
    assertThat(metric(few, RowsInferredMetric.NAME)).isLessThanOrEqualTo(6);
  }

  @Test
  void globalViewIsReadInSessionWithoutRules() {
    lake().range(4).selectExpr("id", "float(id) AS x").createOrReplaceTempView("view");
    reader().option("table", "view").load().createOrReplaceGlobalTempView("shared");
    SparkSession other = lake().newSession();

    assertDoubled(other.table("global_temp.shared"), 4);
    assertDoubled(other.table("global_temp.shared").where("y > 3.0"), 2);
  }

  @Test
  void newVersionOfModelIsRunByTheNextQuery() throws IOException {
    Path versions = Files.createDirectory(dir.resolve("versions"));
    TestModels.scaleBy(versions.resolve("1"), 2);
    lake().range(4).selectExpr("id", "float(id) AS x").createOrReplaceTempView("view");
    Dataset<Row> scored =
        lake()
            .read()
            .format("tensorflow")
            .option("model", versions.toString())
            .option("table", "view")
            .load();
    assertThat(scored.selectExpr("max(y)").first()).isEqualTo(RowFactory.create(6f));

    TestModels.scaleBy(versions.resolve("2"), 3);

    assertThat(scored.selectExpr("max(y)").first()).isEqualTo(RowFactory.create(9f));
  }

  @Test
  void changedSignatureFailsTheQueryWhenItRuns() throws IOException {
    Path versions = Files.createDirectory(dir.resolve("versions"));
    TestModels.scaleBy(versions.resolve("1"), 2);
    lake().range(4).selectExpr("id", "float(id) AS x").createOrReplaceTempView("view");
    Dataset<Row> scored =
        lake()
            .read()
            .format("tensorflow")
            .option("model", versions.toString())
            .option("table", "view")
            .load();
    Files.move(TestModels.totals(dir, 2), versions.resolve("2"));

    Dataset<Row> query = scored.where("y > 0");
    assertThat(query.queryExecution().executedPlan()).isNotNull();
    assertThatExceptionOfType(TensorArrowException.class).isThrownBy(query::collectAsList);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "table=view, query=SELECT 1 | TA_UNSUPPORTED | found 'query' as well",
        "table=view, path=/data | TA_UNSUPPORTED | found 'path' as well",
        "query=SELECT 1, source=parquet | TA_UNSUPPORTED | found 'source' as well",
        "table=view, source.header=true | TA_UNSUPPORTED | found 'header' as well",
        "query=SELEC 1 | TA_OPTION_INVALID | which Spark does not parse",
        "table=a b | TA_OPTION_INVALID | which Spark does not parse",
        "query=DROP TABLE rows | TA_OPTION_INVALID | which is a command",
        "query=INSERT INTO rows VALUES (1) | TA_OPTION_INVALID | which is a command",
        "query=SELECT 1 AS id | TA_INPUT_MISMATCH | id",
      })
  void optionsThatDoNotFitAreErrorsOfTheAnalysis(String options, ErrorCode code, String found) {
    lake().range(3).selectExpr("id AS d").write().saveAsTable("rows");
    DataFrameReader reader = reader();
    for (String option : options.split(", ", -1)) {
      reader.option(option.split("=", 2)[0], option.split("=", 2)[1]);
    }

    assertThatExceptionOfType(TensorArrowException.class)
        .isThrownBy(reader::load)
        .withMessageStartingWith("[" + code + "]")
        .withMessageContaining(found);
    assertThat(lake().table("rows").count()).isEqualTo(3);
  }

  @Test
  void tableThatIsNotThereIsSparksError() {
    assertThatExceptionOfType(AnalysisException.class)
        .isThrownBy(() -> reader().option("table", "ice.db.nothing").load())
        .withMessageContaining("TABLE_OR_VIEW_NOT_FOUND");
  }

  @Test
  void streamIsRefused() {
    lake().readStream().format("rate").load().createOrReplaceTempView("stream");

    assertThatExceptionOfType(TensorArrowException.class)
        .isThrownBy(() -> reader().option("table", "stream").load())
        .withMessageContaining("a stream");
  }

  @Test
  void schemaOfTableOrQueryIsRefused() {
    assertThatExceptionOfType(TensorArrowException.class)
        .isThrownBy(() -> reader().option("query", "SELECT 1").schema("id LONG").load())
        .withMessageContaining("a schema of the read as well");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "SELECT id, y, (SELECT max(id) FROM o) + (SELECT min(id) FROM o) AS m FROM scored",
        "SELECT id, y FROM scored WHERE id >= (SELECT min(id) FROM o) AND id <= (SELECT max(id) FROM o)",
        "WITH c AS (SELECT id + floor(rand()) AS r FROM o) SELECT id, y FROM scored WHERE id <= (SELECT max(r) FROM c) OR id < (SELECT min(r) FROM c)",
        "SELECT id, y FROM scored WHERE id IN (SELECT id FROM o) OR id < (SELECT max(id) FROM scored)",
        "SELECT a.id, a.y FROM scored a LEFT ANTI JOIN (SELECT * FROM scored WHERE id > 10) b ON a.id = b.id",
        "SELECT id, y FROM (SELECT * FROM scored UNION SELECT * FROM scored)",
      })
  void subqueriesStandBesideReads(String query) {
    lake().range(5).createOrReplaceTempView("o");
    lake().range(9).selectExpr("id", "float(id) AS x").createOrReplaceTempView("view");
    reader().option("table", "view").load().createOrReplaceTempView("scored");

    assertThat(lake().sql(query).collectAsList())
        .isNotEmpty()
        .allMatch(row -> row.getFloat(1) == 2 * row.getLong(0));
  }

  @Test
  void partitionsWithBlanksOrElsewhereAreNotOverwritten() {
    lake().sql("CREATE TABLE rows (id BIGINT, x FLOAT, p STRING) USING parquet PARTITIONED BY (p)");
    lake().sql("INSERT INTO rows SELECT id, float(id), 'New York' FROM range(100)");
    reader().option("table", "rows").load().createOrReplaceTempView("scored");

    refusesToOverwrite(
        () ->
            lake()
                .sql("INSERT OVERWRITE rows PARTITION (p = 'New York') SELECT id, y FROM scored"));

    String elsewhere = dir.resolve("elsewhere").toString();
    lake().range(0).selectExpr("id", "float(id) AS x").write().parquet(elsewhere);
    lake().sql("ALTER TABLE rows ADD PARTITION (p = 'b') LOCATION '" + elsewhere + "'");
    lake().sql("INSERT INTO rows PARTITION (p = 'b') SELECT 100, 100.0f");
    assertThatThrownBy(
            () -> lake().table("scored").select("id").write().mode("overwrite").parquet(elsewhere))
        .hasStackTraceContaining("[TA_OVERWRITE]");
    assertThat(lake().table("rows").count()).isEqualTo(101);
  }

  private void refusesToOverwrite(ThrowingCallable command) {
    assertThatThrownBy(command).hasStackTraceContaining("[TA_OVERWRITE]");
    assertThat(lake().table("rows").count()).isEqualTo(100);
  }

  @ParameterizedTest
  @ValueSource(strings = {"table", "query"})
  void overwritingWhatIsReadIsRefused(String option) {
    table("parquet");
    String text = option.equals("table") ? "rows" : "SELECT * FROM rows";
    reader().option(option, text).load().createOrReplaceTempView("scored");

    refusesToOverwrite(
        () -> lake().sql("INSERT OVERWRITE rows SELECT id, y AS x, part FROM scored"));
    refusesToOverwrite(
        () ->
            lake()
                .sql(
                    "INSERT OVERWRITE rows SELECT id, x, part FROM VALUES (1, 2f, 3) AS v(id, x, part) WHERE id < (SELECT max(y) FROM scored)"));
    lake().sql("CACHE TABLE scored");
    refusesToOverwrite(
        () -> lake().sql("INSERT OVERWRITE rows SELECT id, y AS x, part FROM scored"));
    lake().sql("CREATE TABLE target USING parquet AS SELECT id, y FROM scored");
    assertDoubled(lake().table("target"), 100);
  }
}
