package io.tensorarrow.spark.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tensorarrow.spark.testing.TestModels;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SaveMode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A read follows its files as far as Spark's own reads do. */
class ChangedFilesTest extends ChangedReadTestBase {
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
  void cachedReadFollowsARefreshOfItsPath(String command) throws IOException {
    String path = dir.resolve("data").toString();
    write("parquet", SaveMode.Append, 0, 10, path);
    Dataset<Row> cached = read("parquet", path).cache();
    assertThat(sum(cached)).isEqualTo(sumOf(0, 10));

    writeBehindSparksBack("parquet", 10, 15, path);
    assertThat(sum(cached)).isEqualTo(sumOf(0, 10));
    if (command.equals("sql")) {
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
  void partitionColumnWithoutAnyValueIsNull() {
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
}
