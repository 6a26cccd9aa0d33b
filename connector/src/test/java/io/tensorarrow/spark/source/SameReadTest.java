package io.tensorarrow.spark.source;

import static org.assertj.core.api.Assertions.assertThat;

import io.tensorarrow.spark.metrics.RowsInferredMetric;
import io.tensorarrow.spark.testing.LakeTestBase;
import io.tensorarrow.spark.testing.TestModels;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.spark.sql.DataFrameReader;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Equal reads are known as such, whichever call made them; others never. */
class SameReadTest extends LakeTestBase {
  private Path model = Path.of("");
  private String path = "";

  @BeforeEach
  void writeTables() throws Exception {
    model = TestModels.scale(dir);
    path = dir.resolve("data").toString();
    rows().write().parquet(path);
    rows().write().orc(path + ".orc");
    lake().sql("CREATE TABLE ice.db.t (id BIGINT, x FLOAT) USING iceberg");
    rows().writeTo("ice.db.t").append();
  }

  private Dataset<Row> rows() {
    return lake().range(100).selectExpr("id", "cast(id as float) as x");
  }

  @AfterEach
  void forget() {
    lake().catalog().clearCache();
  }

  private DataFrameReader reader(String source) {
    return lake()
        .read()
        .format("tensorflow")
        .option("model", model.toString())
        .option("source", source);
  }

  private Dataset<Row> load(String source) {
    return reader(source).load(place(source));
  }

  private String place(String source) {
    return switch (source) {
      case "iceberg" -> "ice.db.t";
      case "orc" -> path + ".orc";
      default -> path;
    };
  }

  @ParameterizedTest
  @ValueSource(strings = {"parquet", "orc", "iceberg"})
  void equalLoadsHaveTheSameSemantics(String source) {
    assertThat(load(source).sameSemantics(load(source))).isTrue();
    assertThat(load(source).semanticHash()).isEqualTo(load(source).semanticHash());
    assertThat(
            load(source)
                .where("id > 3")
                .select("y")
                .sameSemantics(load(source).where("id > 3").select("y")))
        .isTrue();
  }

  @ParameterizedTest
  @CsvSource({"parquet, true", "orc, true", "iceberg, true", "parquet, false", "iceberg, false"})
  void cachedLoadServesAnEqualLoad(String source, boolean adaptive) {
    lake().conf().set("spark.sql.adaptive.enabled", adaptive);
    Dataset<Row> cached = load(source).cache();
    assertThat(cached.count()).isEqualTo(100);

    Dataset<Row> other = load(source).where("y > 50");

    assertThat(other.queryExecution().executedPlan().toString()).contains("InMemoryTableScan");
    assertThat(other.count()).isEqualTo(74);
    assertThat(
            load(source).where("x > 90").select("y").queryExecution().withCachedData().toString())
        .contains("InMemoryRelation");
  }

  @ParameterizedTest
  @CsvSource({"parquet, true", "parquet, false", "orc, true", "iceberg, true", "iceberg, false"})
  void exchangeIsReusedAcrossEqualLoads(String source, boolean adaptive) {
    lake().conf().set("spark.sql.adaptive.enabled", adaptive);
    lake().conf().set("spark.sql.autoBroadcastJoinThreshold", -1);
    Dataset<Row> sums = load(source).groupBy("id").sum("y").withColumnRenamed("sum(y)", "a");
    Dataset<Row> again = load(source).groupBy("id").sum("y").withColumnRenamed("sum(y)", "b");

    Dataset<Row> joined = sums.join(again, "id");

    assertThat(joined.where("a = b").count()).isEqualTo(100);
    joined.collectAsList();
    assertThat(joined.queryExecution().executedPlan().toString()).contains("ReusedExchange");
    assertThat(metric(joined, RowsInferredMetric.NAME)).isEqualTo(100);
  }

  /** Each of these options, and no two of them, makes another read. */
  @Test
  void loadsWithOtherOptionsDiffer() {
    List<Map<String, String>> variants =
        List.of(
            Map.of(),
            Map.of("batchRows", "7"),
            Map.of("batchBytes", "1m"),
            Map.of("cast", "safe"),
            Map.of("strings", "binary"),
            Map.of("bytes", "binary"),
            Map.of("handover", "rows"),
            Map.of("threads", "3"),
            Map.of("outputs", "y=z"),
            Map.of("inputs", "x=id"),
            Map.of("source.mergeSchema", "true"),
            Map.of("source.schema", "x FLOAT"),
            Map.of("fs.test.some", "1"));
    List<Dataset<Row>> loads = variants.stream().map(this::loadWith).toList();
    List<Dataset<Row>> again = variants.stream().map(this::loadWith).toList();
    for (int i = 0; i < variants.size(); i++) {
      for (int j = 0; j < variants.size(); j++) {
        assertThat(loads.get(i).sameSemantics(again.get(j)))
            .as("%s and %s", variants.get(i), variants.get(j))
            .isEqualTo(i == j);
      }
    }
  }

  private Dataset<Row> loadWith(Map<String, String> options) {
    return reader("parquet").options(options).load(path);
  }

  @Test
  void loadsOfAnotherModelVersionOrPathDiffer() {
    Path versions = dir.resolve("versions");
    TestModels.scaleBy(versions.resolve("1"), 2);
    DataFrameReader latest = reader("parquet").option("model", versions.toString());
    Dataset<Row> one = latest.load(path);
    assertThat(one.sameSemantics(latest.load(path))).isTrue();
    TestModels.scaleBy(versions.resolve("2"), 4);
    Dataset<Row> two = latest.load(path);
    assertThat(one.sameSemantics(two)).isFalse();
    assertThat(two.sameSemantics(latest.option("version", "1").load(path))).isFalse();

    Dataset<Row> before = load("parquet");
    TestModels.scaleBy(model, 16);
    assertThat(before.sameSemantics(load("parquet"))).isFalse();
    assertThat(load("parquet").sameSemantics(load("orc"))).isFalse();
  }

  @Test
  void loadsOfOtherSnapshotsDifferAndShareNoCache() throws Exception {
    Dataset<Row> before = load("iceberg").cache();
    assertThat(before.count()).isEqualTo(100);

    rows().where("id < 10").writeTo("ice.db.t").append();
    Dataset<Row> after = load("iceberg");

    assertThat(before.sameSemantics(after)).isFalse();
    assertThat(after.count()).isEqualTo(110);
    assertThat(
            after.sameSemantics(reader("iceberg").option("source.branch", "main").load("ice.db.t")))
        .isFalse();
  }

  @Test
  void loadsOfAnotherStateOfABranchOrTagDiffer() throws Exception {
    lake().sql("ALTER TABLE ice.db.t CREATE BRANCH side");
    lake().sql("ALTER TABLE ice.db.t CREATE TAG mark");
    DataFrameReader side = reader("iceberg").option("source.branch", "side");
    DataFrameReader mark = reader("iceberg").option("source.tag", "mark");
    Dataset<Row> sideBefore = side.load("ice.db.t").cache();
    Dataset<Row> markBefore = mark.load("ice.db.t").cache();
    Dataset<Row> byName = reader("iceberg").load("ice.db.t.branch_side").cache();
    for (Dataset<Row> before : List.of(sideBefore, markBefore, byName)) {
      assertThat(before.count()).isEqualTo(100);
    }

    rows().writeTo("ice.db.t.branch_side").append();
    lake().sql("ALTER TABLE ice.db.t REPLACE TAG mark AS OF VERSION " + snapshotOf("side"));

    assertThat(side.load("ice.db.t").count()).isEqualTo(200);
    assertThat(mark.load("ice.db.t").count()).isEqualTo(200);
    assertThat(reader("iceberg").load("ice.db.t.branch_side").count()).isEqualTo(200);
    assertThat(side.load("ice.db.t").sameSemantics(sideBefore)).isFalse();
    assertThat(side.load("ice.db.t").sameSemantics(side.load("ice.db.t"))).isTrue();
  }

  private long snapshotOf(String reference) {
    return lake()
        .sql("SELECT snapshot_id FROM ice.db.t.refs WHERE name = '" + reference + "'")
        .first()
        .getLong(0);
  }

  /** What was cached is what was there when it was planned, not when the read was opened. */
  @Test
  void cacheOfNewStateDoesNotServeAnOlderRead() throws Exception {
    long first = snapshotOf("main");
    Dataset<Row> opened = load("iceberg");
    Path versions = dir.resolve("versions");
    TestModels.scaleBy(versions.resolve("1"), 2);
    DataFrameReader latest = reader("parquet").option("model", versions.toString());
    Dataset<Row> openedModel = latest.load(path);
    rows().writeTo("ice.db.t").append();
    TestModels.scaleBy(versions.resolve("2"), 4);
    assertThat(opened.cache().count()).isEqualTo(200);
    assertThat(openedModel.cache().selectExpr("sum(y)").first().getDouble(0)).isEqualTo(19800);

    lake().sql("CALL ice.system.rollback_to_snapshot('db.t', %d)".formatted(first));
    try (var files = Files.walk(versions.resolve("2"))) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }

    assertThat(load("iceberg").count()).isEqualTo(100);
    assertThat(latest.load(path).selectExpr("sum(y)").first().getDouble(0)).isEqualTo(9900);
  }

  @Test
  void nestedModelsAreComparedDownToTheSource() throws Exception {
    Map<String, String> nested =
        Map.of(
            "source", "tensorflow",
            "source.model", model.toString(),
            "source.source", "iceberg",
            "source.outputs", "y=y1");
    Dataset<Row> before = reader("tensorflow").options(nested).load("ice.db.t");
    assertThat(before.sameSemantics(reader("tensorflow").options(nested).load("ice.db.t")))
        .isTrue();

    rows().writeTo("ice.db.t").append();

    assertThat(before.sameSemantics(reader("tensorflow").options(nested).load("ice.db.t")))
        .isFalse();
    assertThat(before.selectExpr("count(y1)").first().getLong(0)).isEqualTo(200);
  }

  @ParameterizedTest
  @ValueSource(strings = {"parquet", "orc"})
  void inputFilesAreThoseOfTheWrappedRead(String source) {
    Set<String> expected =
        new HashSet<>(List.of(lake().read().format(source).load(place(source)).inputFiles()));

    assertThat(load(source).inputFiles())
        .isNotEmpty()
        .containsExactlyInAnyOrderElementsOf(expected);
    assertThat(load(source).where("y > 3").select("id").inputFiles())
        .containsExactlyInAnyOrderElementsOf(expected);
  }
}
