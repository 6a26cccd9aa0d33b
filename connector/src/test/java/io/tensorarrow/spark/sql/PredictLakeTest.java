package io.tensorarrow.spark.sql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.tensorarrow.spark.TensorArrow;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.metrics.RowsInferredMetric;
import io.tensorarrow.spark.testing.LakeTestBase;
import io.tensorarrow.spark.testing.TestModels;
import java.util.List;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.execution.datasources.v2.BatchScanExec;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Models over tables of Iceberg and Delta, and in commands that change their rows. */
class PredictLakeTest extends LakeTestBase {
  private static final String MERGE_ON_READ =
      "TBLPROPERTIES ('format-version'='2', 'write.delete.mode'='merge-on-read', 'write.update.mode'='merge-on-read', 'write.merge.mode'='merge-on-read')";

  private String model = "";

  @BeforeEach
  void register() {
    model = TestModels.scale(dir).toString();
    TensorArrow.register(lake());
  }

  static List<String> icebergTables() {
    return List.of("", MERGE_ON_READ);
  }

  /** Returns the name of a table of 100 rows in four partitions. */
  private String table(String format, String properties) {
    String table = format.equals("delta") ? "delta.`" + dir.resolve("t") + "`" : "ice.db.t";
    lake()
        .sql(
            "CREATE TABLE %s (id BIGINT, x FLOAT, part INT) USING %s PARTITIONED BY (part) %s"
                .formatted(table, format, properties));
    lake()
        .sql(
            "INSERT INTO %s SELECT id, cast(id as float), cast(id %% 4 as int) FROM range(100)"
                .formatted(table));
    return table;
  }

  private Dataset<Row> sql(String query, String table) {
    return lake()
        .sql(
            query
                .replace("$t", table)
                .replace("$y", "tf_predict('" + model + "', x)")
                .replace("$f(", "tf_predict('" + model + "', "));
  }

  @ParameterizedTest
  @ValueSource(strings = {"iceberg", "delta"})
  void filtersReachTheTablesFilesAndRows(String format) {
    String table = table(format, "");
    Dataset<Row> query = sql("SELECT id, $y AS y FROM $t WHERE part = 1 AND id > 50", table);

    assertThat(query.collectAsList())
        .hasSize(12)
        .allMatch(row -> row.getFloat(1) == 2 * row.getLong(0));
    assertThat(metric(query, RowsInferredMetric.NAME)).isEqualTo(12);
    assertThat(filesRead(query)).isLessThan(filesRead(sql("SELECT id, $y AS y FROM $t", table)));
  }

  private static long filesRead(Dataset<Row> query) {
    query.collectAsList();
    return metric(query, "resultDataFiles") + metric(query, "numFiles");
  }

  @Test
  void metadataColumnsAndRuntimeFiltersAreTheTablesOwn() {
    String table = table("iceberg", "");
    lake().sql("CREATE TABLE ice.db.days USING iceberg AS SELECT 2 AS day, 'two' AS name");
    Dataset<Row> query =
        sql(
            "SELECT id, $y AS y, t._file, name FROM $t t JOIN ice.db.days ON part = day WHERE name = 'two'",
            table);

    assertThat(query.collectAsList())
        .hasSize(25)
        .allMatch(row -> row.getString(2).contains("part=2") && row.getFloat(1) % 8 == 4);
    assertThat(query.queryExecution().executedPlan().toString())
        .contains("RuntimeFilters: [dynamic");
    assertThat(metric(query, RowsInferredMetric.NAME)).isEqualTo(25);
  }

  @Test
  void storagePartitionedJoinsNeedNoShuffle() {
    String table = table("iceberg", "");
    lake().conf().set("spark.sql.sources.v2.bucketing.enabled", true);
    lake().conf().set("spark.sql.iceberg.planning.preserve-data-grouping", true);
    lake().conf().set("spark.sql.autoBroadcastJoinThreshold", -1);
    lake().conf().set("spark.sql.adaptive.enabled", false);
    String query =
        "SELECT a.id, %s FROM $t a JOIN (SELECT part, max(x) AS x FROM $t GROUP BY part) b ON a.part = b.part";

    Dataset<Row> predicted = sql(query.formatted("$f(a.x)"), table);
    Dataset<Row> plain = sql(query.formatted("a.x * 2"), table);

    assertThat(shuffles(predicted)).isEqualTo(shuffles(plain)).isZero();
    assertThat(predicted.count()).isEqualTo(100);
  }

  private static long shuffles(Dataset<Row> query) {
    return nodes(query).stream().filter(node -> node.nodeName().equals("Exchange")).count();
  }

  @ParameterizedTest
  @MethodSource("icebergTables")
  void commandsOfIcebergRunModels(String properties) {
    String table = table("iceberg", properties);
    String prediction = "SELECT count(*), sum(x), sum($y) FROM $t";

    sql("DELETE FROM $t WHERE $y > 190", table);
    assertThat(sql(prediction, table).head().toString()).isEqualTo("[96,4560.0,9120.0]");
    sql("DELETE FROM $t WHERE part = 3 AND $y > 150", table);
    assertThat(sql(prediction, table).head().toString()).isEqualTo("[91,4125.0,8250.0]");
    sql("UPDATE $t SET x = $y WHERE id < 5", table);
    assertThat(sql(prediction, table).head().toString()).isEqualTo("[91,4135.0,8270.0]");
    sql("UPDATE $t SET x = -1 WHERE $y > 180", table);
    assertThat(sql(prediction, table).head().toString()).isEqualTo("[91,3853.0,7706.0]");
    // The row exists: x was 6 and becomes 14.
    sql(
        "MERGE INTO $t t USING (SELECT 3L id, 7f w) s ON t.id = s.id WHEN MATCHED THEN UPDATE SET x = $f(w) WHEN NOT MATCHED THEN INSERT (id, x, part) VALUES (s.id, 1f, 0)",
        table);
    assertThat(sql(prediction, table).head().toString()).isEqualTo("[91,3861.0,7722.0]");
    sql(
        "MERGE INTO $t t USING (SELECT 1000L id, 8f w) s ON t.id = s.id WHEN MATCHED THEN UPDATE SET x = 1 WHEN NOT MATCHED AND $f(w) > 1 THEN INSERT (id, x, part) VALUES (s.id, $f(w), 0)",
        table);
    assertThat(sql(prediction, table).head().toString()).isEqualTo("[92,3877.0,7754.0]");
    sql(
        "MERGE INTO $t t USING (SELECT 1000L id, 7f w) s ON t.id = s.id AND $f(w) > 1 WHEN MATCHED AND $f(t.x) > 1 THEN DELETE",
        table);
    assertThat(sql(prediction, table).head().toString()).isEqualTo("[91,3861.0,7722.0]");
    sql("DELETE FROM $t WHERE id IN (SELECT id FROM $t WHERE $y > 170)", table);
    assertThat(sql(prediction, table).head().toString()).isEqualTo("[87,3508.0,7016.0]");
  }

  /** Delta runs a command's own condition in queries that it makes after planning. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          DELETE FROM $t WHERE $y > 190
          UPDATE $t SET x = $y WHERE id < 5
          MERGE INTO $t t USING (SELECT 3L id, 7f w) s ON t.id = s.id WHEN MATCHED THEN UPDATE SET x = $f(w)
          """)
  void commandsOfDeltaAreRefusedWithAnAlternative(String command) {
    String table = table("delta", "");

    assertThatExceptionOfType(TensorArrowException.class)
        .isThrownBy(() -> sql(command, table))
        .withMessageStartingWith("[TA_UNSUPPORTED] Cannot run tf_predict('scale', ")
        .withMessageContaining("MERGE INTO ... USING (SELECT *, tf_predict(...) AS p FROM ...)");

    sql(
        "MERGE INTO $t t USING (SELECT id, $y p FROM $t) s ON t.id = s.id WHEN MATCHED AND p > 190 THEN DELETE",
        table);
    assertThat(sql("SELECT count(*) FROM $t", table).head().getLong(0)).isEqualTo(96);
  }

  @Test
  void scanOfTheTableIsItsOwn() {
    Dataset<Row> query = sql("SELECT id, $y AS y FROM $t", table("iceberg", ""));
    query.collectAsList();

    assertThat(scans(query))
        .extracting(BatchScanExec::scan)
        .allMatch(scan -> scan.getClass().getName().startsWith("org.apache.iceberg."));
  }
}
