package io.tensorarrow.spark.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tensorarrow.spark.testing.TestFileSystem;
import io.tensorarrow.spark.testing.TestFileSystem.Fault;
import io.tensorarrow.spark.testing.TestModels;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.DataFrameReader;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SaveMode;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A read follows its files and its model's versions as far as Spark's own reads follow files. */
class StaleRowsTest extends SourceTestBase {
  @AfterEach
  void forget() {
    spark().catalog().clearCache();
    spark().catalog().dropTempView("scored");
    spark().conf().unset("spark.sql.adaptive.enabled");
  }

  private static void write(String format, SaveMode mode, int from, int to, String path) {
    spark()
        .range(from, to, 1, 1)
        .selectExpr("id", "cast(id as float) as x")
        .write()
        .format(format)
        .mode(mode)
        .save(path);
  }

  private Dataset<Row> read(String format, String path) {
    return reader().option("source", format).load(path);
  }

  private static double sum(Dataset<Row> scored) {
    return scored.selectExpr("coalesce(sum(y), 0.0)").first().getDouble(0);
  }

  private static double sumOf(int from, int to) {
    double sum = 0;
    for (int id = from; id < to; id++) {
      sum += 2.0 * id;
    }
    return sum;
  }

  @ParameterizedTest
  @CsvSource({"parquet, true", "parquet, false", "orc, true", "json, true"})
  void cachedReadFollowsWritesToItsPath(String format, boolean adaptive) {
    spark().conf().set("spark.sql.adaptive.enabled", adaptive);
    String path = dir.resolve("data").toString();
    write(format, SaveMode.Append, 0, 10, path);
    Dataset<Row> cached = read(format, path).cache();
    assertThat(sum(cached)).isEqualTo(sumOf(0, 10));

    write(format, SaveMode.Append, 10, 15, path);
    assertThat(sum(cached)).isEqualTo(sumOf(0, 15));

    write(format, SaveMode.Overwrite, 100, 103, path);
    assertThat(sum(cached)).isEqualTo(sumOf(100, 103));
    assertThat(cached.storageLevel().useMemory()).isTrue();
  }

  @ParameterizedTest
  @ValueSource(strings = {"catalog", "sql"})
  void cachedReadFollowsARefreshOfItsPath(String way) throws IOException {
    String path = dir.resolve("data").toString();
    write("parquet", SaveMode.Append, 0, 10, path);
    Dataset<Row> cached = read("parquet", path).cache();
    assertThat(sum(cached)).isEqualTo(sumOf(0, 10));

    writeBehindSparksBack("parquet", 10, 15, path);
    assertThat(sum(cached)).isEqualTo(sumOf(0, 10));
    if (way.equals("sql")) {
      spark().sql("REFRESH \"%s\"".formatted(path));
    } else {
      spark().catalog().refreshByPath(path);
    }

    assertThat(sum(cached)).isEqualTo(sumOf(0, 15));
  }

  /** Moves files there, as another program would. */
  private void writeBehindSparksBack(String format, int from, int to, String path)
      throws IOException {
    Path elsewhere = Files.createTempDirectory(dir, "elsewhere");
    write(format, SaveMode.Overwrite, from, to, elsewhere.toString());
    try (var files = Files.list(elsewhere)) {
      for (Path file : files.filter(f -> f.toString().endsWith(format)).toList()) {
        Files.move(file, Path.of(path).resolve(file.getFileName()));
      }
    }
  }

  private static void deleteFiles(String path) throws IOException {
    try (var files = Files.list(Path.of(path))) {
      for (Path file : files.toList()) {
        Files.delete(file);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"parquet", "orc"})
  void viewSeesNewAndReplacedFiles(String format) throws IOException {
    String path = dir.resolve("data").toString();
    write(format, SaveMode.Append, 0, 10, path);
    spark()
        .sql(
            "CREATE OR REPLACE TEMPORARY VIEW scored USING tensorflow OPTIONS (model '%s', source '%s', path '%s')"
                .formatted(model, format, path));
    assertThat(sum(spark().table("scored"))).isEqualTo(sumOf(0, 10));

    writeBehindSparksBack(format, 10, 15, path);
    assertThat(sum(spark().table("scored"))).isEqualTo(sumOf(0, 15));

    deleteFiles(path);
    assertThat(spark().table("scored").count()).isZero();

    writeBehindSparksBack(format, 50, 55, path);
    assertThat(sum(spark().table("scored"))).isEqualTo(sumOf(50, 55));
    assertThat(spark().table("scored").where("id = 52").collectAsList())
        .extracting(row -> row.getFloat(2))
        .containsExactly(104f);
  }

  @Test
  void globIsEvaluatedForEachQuery() {
    String path = dir.resolve("days").toString();
    write("parquet", SaveMode.Append, 0, 10, path + "/a1");
    Dataset<Row> scored = reader().load(path + "/a*");
    assertThat(sum(scored)).isEqualTo(sumOf(0, 10));

    write("parquet", SaveMode.Append, 10, 20, path + "/a2");

    assertThat(sum(scored)).isEqualTo(sumOf(0, 20));
  }

  @Test
  void newPartitionsAreReadWithTheColumnsType() {
    String path = dir.resolve("table2").toString();
    write("parquet", SaveMode.Append, 0, 10, path + "/part=1");
    Dataset<Row> scored = reader().load(path);
    assertThat(scored.schema().apply("part").dataType().simpleString()).isEqualTo("int");

    write("parquet", SaveMode.Append, 10, 20, path + "/part=2");

    assertThat(sum(scored.where("part = 2"))).isEqualTo(sumOf(10, 20));
    assertThat(scored.selectExpr("sum(part)").first().getLong(0)).isEqualTo(30);
  }

  @Test
  void theLatestVersionIsLookedUpForEachQuery() {
    Path versions = dir.resolve("versions");
    TestModels.scaleBy(versions.resolve("1"), 2);
    Dataset<Row> latest = reader().option("model", versions.toString()).load(table);
    Dataset<Row> pinned =
        reader().option("model", versions.toString()).option("version", "1").load(table);
    assertThat(sum(latest)).isEqualTo(sumOf(0, ROWS));

    TestModels.scaleBy(versions.resolve("2"), 4);

    assertThat(sum(latest)).isEqualTo(2 * sumOf(0, ROWS));
    assertThat(sum(pinned)).isEqualTo(sumOf(0, ROWS));
    assertThat(explained(latest.select("y"))).contains("model=" + versions.resolve("2"));
  }

  private static String explained(Dataset<Row> query) {
    // A new query: each Dataset keeps the plan that it made.
    return query.select("*").queryExecution().executedPlan().toString();
  }

  @Test
  void aLabelIsLookedUpForEachQuery() throws IOException {
    Path versions = dir.resolve("versions");
    TestModels.scaleBy(versions.resolve("1"), 2);
    TestModels.scaleBy(versions.resolve("2"), 4);
    Files.writeString(versions.resolve("labels.properties"), "stable=1\n");
    Dataset<Row> stable =
        reader().option("model", versions.toString()).option("version", "stable").load(table);
    assertThat(sum(stable)).isEqualTo(sumOf(0, ROWS));

    Files.writeString(versions.resolve("labels.properties"), "stable=2\n");

    assertThat(sum(stable)).isEqualTo(2 * sumOf(0, ROWS));
  }

  @Test
  void modelReplacedInPlaceIsReadAgain() {
    Path place = dir.resolve("replaced");
    TestModels.scaleBy(place, 2);
    Dataset<Row> scored = reader().option("model", place.toString()).load(table);
    assertThat(sum(scored)).isEqualTo(sumOf(0, ROWS));

    TestModels.scaleBy(place, 8);

    assertThat(sum(scored)).isEqualTo(4 * sumOf(0, ROWS));
  }

  @Test
  void changedSignatureIsAnErrorThatShowsBoth() throws IOException {
    Path versions = dir.resolve("versions");
    TestModels.scaleBy(versions.resolve("1"), 2);
    Dataset<Row> latest = reader().option("model", versions.toString()).load(table);

    Files.move(TestModels.mlp(versions), versions.resolve("2"));

    assertThat(latest.count()).isEqualTo(ROWS);
    assertThatThrownBy(() -> sum(latest))
        .hasMessageStartingWith("[TA_MODEL_CHANGED] Cannot read model '")
        .hasMessageContaining("/versions/2")
        .hasMessageContaining("probabilities")
        .hasMessageContaining("'serving_default' {'x' float32 (-1,)} -> {'y' float32 (-1,)}");
  }

  /** Spark plans what is cached over a path anew inside of each command that writes there. */
  @Test
  void cachedReadThatFailsDoesNotFailWritesToItsPath() throws IOException {
    String path = dir.resolve("data").toString();
    write("parquet", SaveMode.Append, 0, 10, path + "/part=1");
    Path versions = dir.resolve("versions");
    TestModels.scaleBy(versions.resolve("1"), 2);
    Dataset<Row> plain = spark().read().parquet(path).cache();
    Dataset<Row> changed =
        reader().option("model", versions.toString()).load(path).select("id", "y").cache();
    Dataset<Row> other = reader().load(path).select("id", "y").cache();
    Dataset<Row> part = reader().load(path + "/part=1").select("id", "y").cache();
    for (Dataset<Row> cached : List.of(plain, changed, other, part)) {
      assertThat(cached.count()).isEqualTo(10);
    }
    Files.move(TestModels.mlp(versions), versions.resolve("2"));

    spark()
        .range(10, 15)
        .selectExpr("id", "cast(id as float) as x", "1 as part")
        .write()
        .partitionBy("part")
        .mode("append")
        .parquet(path);

    for (Dataset<Row> cached : List.of(plain, changed, other, part)) {
      assertThat(cached.storageLevel().useMemory()).isTrue();
    }
    assertThat(plain.count()).isEqualTo(15);
    assertThat(sum(other)).isEqualTo(sumOf(0, 15));
    assertThat(sum(part)).isEqualTo(sumOf(0, 15));
    assertThatThrownBy(() -> sum(changed)).hasMessageContaining("[TA_MODEL_CHANGED] Cannot read");

    write("parquet", SaveMode.Overwrite, 20, 25, path);
    assertThat(sum(other)).isEqualTo(sumOf(20, 25));
    assertThatThrownBy(() -> sum(part)).hasMessageContaining("PATH_NOT_FOUND");
  }

  @ParameterizedTest
  @ValueSource(strings = {"csv", "json", "parquet"})
  void filesWithThePartitionColumnAreReadAsBySpark(String format) {
    String path = dir.resolve("twice").toString();
    spark()
        .range(5)
        .selectExpr("id", "100 + id as p", "cast(id * 3 as float) as x")
        .write()
        .format(format)
        .option("header", true)
        .save(path + "/p=7");
    Dataset<Row> scored =
        reader()
            .option("source", format)
            .option("source.header", true)
            .option("source.inferSchema", true)
            .load(path);
    Dataset<Row> plain =
        spark().read().format(format).option("header", true).option("inferSchema", true).load(path);

    for (int query = 0; query < 2; query++) {
      assertThat(scored.selectExpr("id", "p", "x", "y").collectAsList())
          .containsExactlyInAnyOrderElementsOf(
              plain.selectExpr("id", "p", "x", "cast(x as float) * 2 as y").collectAsList());
    }
  }

  @Test
  void aPartitionColumnWithoutAnyValueIsNull() {
    String path = dir.resolve("void").toString();
    write("parquet", SaveMode.Append, 0, 10, path + "/part=__HIVE_DEFAULT_PARTITION__");
    Dataset<Row> scored = reader().load(path);

    assertThat(scored.where("part is null").selectExpr("sum(y)").first().getDouble(0))
        .isEqualTo(sumOf(0, 10));
  }

  @Test
  void columnMissingInNewFilesIsNull() {
    String path = dir.resolve("data").toString();
    write("parquet", SaveMode.Append, 0, 10, path);
    Dataset<Row> scored = reader().load(path);

    spark().range(5).selectExpr("1f as x").write().mode("overwrite").parquet(path);

    assertThat(scored.where("id is null and y = 2").count()).isEqualTo(5);
  }

  @Test
  void allScansOfAQuerySeeOneListing() {
    String path = dir.resolve("data").toString();
    write("parquet", SaveMode.Append, 0, 10, path);
    Dataset<Row> scored = reader().options(countedFiles()).load("test://" + path);
    long one = listings(scored.select("y"), 10);

    Dataset<Row> joined = scored.join(scored.withColumnRenamed("y", "z"), "id");
    scored.createOrReplaceTempView("scored");

    assertThat(listings(joined, 10)).isEqualTo(one);
    assertThat(listings(scored.union(scored), 20)).isEqualTo(one);
    assertThat(
            listings(
                spark().sql("select y from scored where id < (select max(y) from scored)"), 10))
        .isEqualTo(one);
  }

  private Map<String, String> countedFiles() {
    Map<String, String> options =
        new HashMap<>(TestFileSystem.options(Fault.NONE, dir.resolve("log")));
    // Else another test's file system is found, which writes to another log.
    options.put("fs.test.impl.disable.cache", "true");
    return options;
  }

  /** Runs a query that gives so many rows; returns how often it listed directories. */
  private static long listings(Dataset<Row> query, int rows) {
    long before = TestFileSystem.listings();
    assertThat(query.collectAsList()).hasSize(rows);
    return TestFileSystem.listings() - before;
  }

  @Test
  void loadAndQueryListFilesAsOftenAsSpark() throws IOException {
    String path = dir.resolve("many").toString();
    Files.createDirectories(Path.of(path));
    write("parquet", SaveMode.Overwrite, 0, 1, dir.resolve("one").toString());
    Path one;
    try (var files = Files.list(dir.resolve("one"))) {
      one = files.filter(f -> f.toString().endsWith(".parquet")).findFirst().orElseThrow();
    }
    for (int i = 0; i < 200; i++) {
      Files.copy(one, Path.of(path).resolve("f" + i + ".parquet"));
    }
    Map<String, String> options = countedFiles();
    String uri = "test://" + path;

    long before = TestFileSystem.listings();
    spark().read().options(options).parquet(uri);
    long stock = TestFileSystem.listings() - before;

    DataFrameReader ours = reader().options(options);
    before = TestFileSystem.listings();
    Dataset<Row> scored = ours.option("model", model).load(uri);
    long load = TestFileSystem.listings() - before;
    before = TestFileSystem.listings();
    assertThat(scored.select("id").count()).isEqualTo(200);
    long query = TestFileSystem.listings() - before;

    assertThat(stock).isPositive();
    // One more look each: whether an Iceberg table's metadata lies there.
    assertThat(load).as("listings of a load").isEqualTo(stock + 1);
    assertThat(query).as("listings of a query").isEqualTo(stock + 1);
  }
}
