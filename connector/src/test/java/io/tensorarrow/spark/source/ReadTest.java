package io.tensorarrow.spark.source;

import static org.assertj.core.api.Assertions.assertThat;

import io.tensorarrow.spark.metrics.FeedBytesMetric;
import io.tensorarrow.spark.metrics.ModelBatchesMetric;
import io.tensorarrow.spark.metrics.RowsInferredMetric;
import io.tensorarrow.spark.metrics.TensorBytesMetric;
import io.tensorarrow.spark.options.ConnectorVersion;
import io.tensorarrow.spark.testing.TestModels;
import java.io.IOException;
import java.util.List;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.test.ExamplePoint;
import org.apache.spark.sql.test.ExamplePointUDT;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ReadTest extends SourceTestBase {
  @Test
  void allColumnsComeBackWithTheModelsOutput() {
    assertThat(scored().collectAsList())
        .hasSize(ROWS)
        .containsExactlyInAnyOrderElementsOf(expected().collectAsList());
  }

  @Test
  void schemaHasTensorMetadata() {
    StructField y = scored().schema().apply("y");

    assertThat(y.dataType()).isEqualTo(DataTypes.FloatType);
    assertThat(y.nullable()).isFalse();
    assertThat(y.metadata().getString("tensor.dtype")).isEqualTo("float32");
    assertThat(y.metadata().getLongArray("tensor.shape")).isEmpty();
    assertThat(y.metadata().getString("tensor.name")).isEqualTo("y");
    assertThat(y.metadata().getString("tensor.model")).isEqualTo("scale");
    assertThat(y.metadata().getString("tensorarrow.version"))
        .isEqualTo(ConnectorVersion.current())
        .matches("\\d+\\.\\d+\\.\\d+.*");
  }

  @Test
  void temporaryViewGivesTheSameRows() {
    spark()
        .sql(
            "CREATE OR REPLACE TEMPORARY VIEW scored USING tensorflow OPTIONS (model '%s', path '%s')"
                .formatted(model, table));

    Row row = spark().sql("SELECT count(*), sum(y) FROM scored WHERE id < 10").first();

    assertThat(row.getLong(0)).isEqualTo(10);
    assertThat(row.getDouble(1)).isEqualTo(90.0);
  }

  @ParameterizedTest
  @ValueSource(strings = {"orc", "json", "csv"})
  void nonParquetSourcesAreRead(String format) {
    String path = dir.resolve(format).toString();
    Dataset<Row> plain = spark().read().parquet(table).select("id", "x", "name");
    plain.write().format(format).option("header", true).save(path);

    Dataset<Row> query =
        reader()
            .option("source", format)
            .option("source.header", "true")
            .option("source.inferSchema", "true")
            .load(path)
            .selectExpr("cast(id as bigint)", "name", "y");

    assertThat(query.where("id > 990").collectAsList())
        .containsExactlyInAnyOrderElementsOf(
            plain.selectExpr("id", "name", "x * 2 as y").where("id > 990").collectAsList());
    assertThat(query.count()).isEqualTo(ROWS);
  }

  @Test
  void severalPathsAreReadAsOne() {
    assertThat(reader().load(table + "/part=1", table + "/part=2").count()).isEqualTo(ROWS / 2);
  }

  @Test
  void batchesHoldAtMostBatchRows() {
    Dataset<Row> query =
        reader().option("batchRows", 100).load(table + "/part=1").select("id", "y");

    assertThat(query.collectAsList())
        .containsExactlyInAnyOrderElementsOf(
            expected().where("part = 1").select("id", "y").collectAsList());
    // Two files of 125 rows each.
    assertThat(metric(query, ModelBatchesMetric.NAME)).isEqualTo(4);
    assertThat(metric(query, FeedBytesMetric.NAME)).isEqualTo(250 * 4);
    assertThat(metric(query, TensorBytesMetric.NAME)).isEqualTo(250 * 4);
  }

  @Test
  void resultDoesNotDependOnBatchSize() {
    List<Row> expectedRows = scored().select("id", "y").sort("id").collectAsList();
    for (int batchRows : new int[] {1, 7, 4096}) {
      assertThat(
              reader()
                  .option("batchRows", batchRows)
                  .load(table)
                  .select("id", "y")
                  .sort("id")
                  .collectAsList())
          .isEqualTo(expectedRows);
    }
  }

  @Test
  void sessionSettingsAreDefaultsThatOptionsOverride() {
    spark().conf().set("spark.datasource.tensorflow.batchRows", "10");
    try {
      Dataset<Row> byDefault = scored().select("y");
      Dataset<Row> byOption = reader().option("batchRows", 20).load(table).select("y");

      assertThat(byDefault.queryExecution().optimizedPlan().toString()).isNotEmpty();
      byDefault.collectAsList();
      byOption.collectAsList();
      assertThat(scans(byDefault).get(0).scan().description()).contains("batchRows=10 ");
      assertThat(scans(byOption).get(0).scan().description()).contains("batchRows=20 ");
    } finally {
      spark().conf().unset("spark.datasource.tensorflow.batchRows");
    }
  }

  @Test
  void sourceColumnsOfEveryTypeAreUnchanged() {
    String path = dir.resolve("kinds").toString();
    spark()
        .range(200)
        .selectExpr(
            "cast(id as float) as x",
            "if(id % 3 = 0, null, id % 2 = 0) as bool",
            "if(id % 3 = 1, null, cast(id % 100 as tinyint)) as tiny",
            "cast(id as smallint) as small",
            "cast(id / 7 as decimal(12, 4)) as small_decimal",
            "cast(id * 12345678901234567890 as decimal(38, 2)) as big_decimal",
            "date_add(date'2020-01-01', cast(id as int)) as day",
            "timestamp_seconds(id * 1000) as instant",
            "if(id % 5 = 0, null, cast(concat('b', id) as binary)) as bytes",
            "map(id, concat('v', id)) as entries",
            "if(id % 4 = 0, null, named_struct('p', id, 'q', array(named_struct('r', id)))) as deep")
        .write()
        .parquet(path);
    Dataset<Row> query = reader().option("batchRows", 33).load(path).where("x % 2 = 1 or x > 50");

    assertThat(query.drop("bytes").collectAsList())
        .containsExactlyInAnyOrderElementsOf(
            spark()
                .read()
                .parquet(path)
                .selectExpr("*", "x * 2 as y")
                .where("x % 2 = 1 or x > 50")
                .drop("bytes")
                .collectAsList());
    assertThat(query.selectExpr("hex(bytes)", "y").collectAsList())
        .containsExactlyInAnyOrderElementsOf(
            spark()
                .read()
                .parquet(path)
                .where("x % 2 = 1 or x > 50")
                .selectExpr("hex(bytes)", "x * 2 as y")
                .collectAsList());
  }

  @Test
  void parquetIsReadByRowIfItsReaderIsNotColumnar() {
    spark().conf().set("spark.sql.parquet.enableVectorizedReader", "false");
    try {
      assertThat(scored().select("id", "s", "xs", "y").collectAsList())
          .containsExactlyInAnyOrderElementsOf(
              expected().select("id", "s", "xs", "y").collectAsList());
    } finally {
      spark().conf().unset("spark.sql.parquet.enableVectorizedReader");
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void userDefinedTypesPassThrough(boolean vectorized) {
    String path = dir.resolve("points").toString();
    StructType schema =
        new StructType().add("x", DataTypes.FloatType).add("point", new ExamplePointUDT());
    List<Row> points =
        List.of(RowFactory.create(1f, new ExamplePoint(3, 4)), RowFactory.create(2f, null));
    spark()
        .createDataFrame(points, schema)
        .selectExpr("x", "point", "array(point, point) as pair")
        .write()
        .parquet(path);
    spark().conf().set("spark.sql.parquet.enableVectorizedReader", vectorized);
    try {
      assertThat(reader().load(path).collectAsList())
          .containsExactlyInAnyOrderElementsOf(
              spark().read().parquet(path).selectExpr("*", "x * 2 as y").collectAsList());
    } finally {
      spark().conf().unset("spark.sql.parquet.enableVectorizedReader");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"json", "parquet"})
  void inputFileNameIsCorrectForEveryRow(String format) {
    String path = dir.resolve("files").toString();
    Dataset<Row> plain = spark().range(0, 100, 1, 5).selectExpr("id", "cast(id as float) as x");
    plain.write().format(format).save(path);
    String[] columns = {"id", "input_file_name()", "input_file_block_length()"};

    Dataset<Row> query =
        reader().option("source", format).load(path).where("y >= 0").selectExpr(columns);

    assertThat(query.collectAsList())
        .containsExactlyInAnyOrderElementsOf(
            spark().read().format(format).load(path).selectExpr(columns).collectAsList());
  }

  @Test
  void modelReadsOutputsOfAnotherModel() throws IOException {
    Dataset<Row> chained =
        spark()
            .read()
            .format("tensorflow")
            .option("model", TestModels.scaleBy(dir.resolve("triple"), 3).toString())
            .option("inputs", "x=y")
            .option("outputs", "y=z")
            .option("source", "tensorflow")
            .option("source.model", model)
            .load(table);
    Dataset<Row> query = chained.where("id > 20 and y < 200 and z <> 150").selectExpr("id", "z");

    assertThat(query.collectAsList())
        .containsExactlyInAnyOrderElementsOf(
            expected()
                .where("id > 20 and y < 200 and y <> 50")
                .selectExpr("id", "y * 3 as z")
                .collectAsList());
    // 979 rows through the first model, of which the 79 with y < 200 go through the second one.
    assertThat(metric(query, RowsInferredMetric.NAME)).isEqualTo(979 + 79);
  }

  @Test
  void offHeapColumnsAreFedToo() {
    spark().conf().set("spark.sql.columnVector.offheap.enabled", "true");
    try {
      assertThat(scored().select("id", "y").collectAsList())
          .containsExactlyInAnyOrderElementsOf(expected().select("id", "y").collectAsList());
    } finally {
      spark().conf().unset("spark.sql.columnVector.offheap.enabled");
    }
  }

  @Test
  void cachingJoiningAndAggregatingWork() {
    Dataset<Row> scored = scored();
    Dataset<Row> cached = scored.select("id", "y").cache();
    try {
      assertThat(cached.count()).isEqualTo(ROWS);
      assertThat(cached.join(scored().select("id", "part"), "id").groupBy("part").count().count())
          .isEqualTo(4);
    } finally {
      cached.unpersist(true);
    }
    assertThat(scored.selectExpr("sum(y)").first().getDouble(0)).isEqualTo(999.0 * 1000);
  }
}
