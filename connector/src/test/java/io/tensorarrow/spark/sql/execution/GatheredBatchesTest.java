package io.tensorarrow.spark.sql.execution;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tensorarrow.spark.TensorFlowDataSource;
import io.tensorarrow.spark.metrics.ModelBatchesMetric;
import io.tensorarrow.spark.metrics.RowsInferredMetric;
import io.tensorarrow.spark.source.SourceTestBase;
import java.util.List;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The operator gathers the small batches of its child. */
class GatheredBatchesTest extends SourceTestBase {
  @BeforeEach
  void set() {
    new TensorFlowDataSource();
    spark().conf().set("spark.sql.files.openCostInBytes", "0");
    spark().conf().set("spark.sql.files.minPartitionNum", "1");
  }

  @AfterEach
  void unset() {
    spark().conf().unset("spark.sql.files.openCostInBytes");
    spark().conf().unset("spark.sql.files.minPartitionNum");
  }

  /** Writes files with a column {@code x}, and makes {@code files} their view. */
  private void write(String format, int rows, int files, String... columns) {
    String path = table + "-files";
    spark().range(0, rows, 1, files).selectExpr(columns).write().format(format).save(path);
    spark().read().format(format).load(path).createOrReplaceTempView("files");
  }

  private Dataset<Row> query(String text) {
    return spark().sql(text.replace("{x}", "tf_predict('" + model + "', x)"));
  }

  private static List<Row> rows(Dataset<Row> query) {
    return query.collectAsList();
  }

  @Test
  void smallFilesFillTheModelsBatches() {
    write("parquet", 10_000, 100, "id", "cast(id as float) as x", "string(id) as t");
    Dataset<Row> query = query("select id, t, {x} y from files");

    assertThat(rows(query))
        .containsExactlyInAnyOrderElementsOf(
            rows(spark().range(10_000).selectExpr("id", "string(id)", "float(id * 2)")));
    assertThat(metric(query, ModelBatchesMetric.NAME)).isEqualTo(10);
  }

  @Test
  void rowsThatASelectiveFilterKeepsFillTheModelsBatches() {
    write(
        "parquet",
        200_000,
        1,
        "id",
        "cast(id as float) as x",
        "named_struct('a', id) as s",
        "array(float(id), 1f) as a");
    Dataset<Row> query = query("select id, s, a, {x} y from files where id % 50 = 7");

    assertThat(rows(query))
        .containsExactlyInAnyOrderElementsOf(
            rows(
                spark()
                    .range(200_000)
                    .where("id % 50 = 7")
                    .selectExpr(
                        "id", "named_struct('a', id)", "array(float(id), 1f)", "float(id * 2)")));
    assertThat(metric(query, RowsInferredMetric.NAME)).isEqualTo(4000);
    assertThat(metric(query, ModelBatchesMetric.NAME)).isEqualTo(4);
  }

  @ParameterizedTest
  @ValueSource(strings = {"parquet", "orc", "json"})
  void inputFileNameIsThatOfEachRow(String format) {
    write(format, 500, 25, "id", "cast(id as float) as x");
    Dataset<Row> query = query("select id, {x} y, input_file_name() f from files where id % 3 = 1");

    assertThat(rows(query))
        .hasSize(167)
        .containsExactlyInAnyOrderElementsOf(
            rows(
                spark()
                    .sql(
                        "select id, float(x * 2), input_file_name() from files where id % 3 = 1")));
    assertThat(metric(query, ModelBatchesMetric.NAME)).isEqualTo(1);
  }

  @Test
  void errorNamesTheRowOfThePartition() {
    write("parquet", 500, 25, "id", "if(id = 333, null, cast(id as float)) as x");

    assertThatThrownBy(() -> rows(query("select {x} y from files where id >= 300 and id < 340")))
        .hasMessageContaining("in row 33 of those that reach the model's operator in partition 0");
  }

  @Test
  void limitGathersNoMoreThanItNeeds() {
    write("parquet", 500, 25, "id", "cast(id as float) as x");
    Dataset<Row> query = query("select id, {x} y from files limit 30");

    assertThat(rows(query)).hasSize(30).allMatch(row -> row.getFloat(1) == 2f * row.getLong(0));
    assertThat(metric(query, RowsInferredMetric.NAME)).isEqualTo(30);
  }
}
