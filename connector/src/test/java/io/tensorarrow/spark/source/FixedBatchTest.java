package io.tensorarrow.spark.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tensorarrow.spark.metrics.ModelBatchesMetric;
import io.tensorarrow.spark.metrics.RowsInferredMetric;
import io.tensorarrow.spark.testing.BatchModels;
import java.io.IOException;
import java.util.List;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Batches of a size that a signature or an option fixes, and those with fewer rows. */
class FixedBatchTest extends SourceTestBase {
  /** Writes the table anew, in one partition. */
  private void tableOf(int rows, String... columns) {
    table = dir.resolve("other").toString();
    spark().range(0, rows, 1, 1).selectExpr(columns).write().parquet(table);
  }

  private static List<Float> floats(Dataset<Row> query) {
    return query.collectAsList().stream().map(r -> r.getFloat(0)).toList();
  }

  @ParameterizedTest
  @CsvSource({"1, 1", "2, 1", "3, 1", "4, 2", "7, 3", "9, 3"})
  void shortBatchesArePaddedAndTrimmed(int rows, int calls) throws IOException {
    tableOf(rows, "id", "cast(id as float) as s", "array(cast(id as float), 1f) as x");
    model = BatchModels.threeRows(dir).toString();
    Dataset<Row> query =
        reader()
            .option("outputs", "twice, next, deviation")
            .load(table)
            .select("next", "deviation", "twice", "id");
    List<Row> outputs = query.collectAsList();

    assertThat(outputs).hasSize(rows);
    for (int i = 0; i < rows; i++) {
      assertThat(outputs.get(i).getFloat(0)).isEqualTo(i + 1f);
      assertThat(outputs.get(i).getFloat(1)).isEqualTo((float) (i % 3));
      assertThat(outputs.get(i).<Float>getList(2)).containsExactly(2f * i, 2f);
      assertThat(outputs.get(i).getLong(3)).isEqualTo(i);
    }
    assertThat(metric(query, RowsInferredMetric.NAME)).isEqualTo(rows);
    assertThat(metric(query, ModelBatchesMetric.NAME)).isEqualTo(calls);
  }

  @Test
  void filteredRowsArePaddedInOrder() throws IOException {
    tableOf(20, "id", "cast(id as float) as s", "array(cast(id as float), 1f) as x");
    model = BatchModels.threeRows(dir).toString();

    assertThat(
            floats(
                reader().option("outputs", "next").load(table).where("id % 4 = 1").select("next")))
        .containsExactly(2f, 6f, 10f, 14f, 18f);
  }

  @Test
  void outputOfOtherSizeThanTheFixedBatchIsAnError() throws IOException {
    tableOf(3, "cast(id as float) as s", "array(cast(id as float), 1f) as x");
    model = BatchModels.threeRows(dir).toString();

    assertThat(reader().load(table).columns()).contains("less").doesNotContain("pair");
    assertThatThrownBy(
            () -> reader().option("outputs", "less").load(table).select("less").collectAsList())
        .hasMessageContaining("[TA_OUTPUT_NOT_BATCHED]")
        .hasMessageContaining("'less'");
  }

  @ParameterizedTest
  @CsvSource({"1, 5, 5", "5, 5, 1", "5, 6, 2", "4, 9, 3"})
  void lastBatchMayBeShort(int batchRows, int rows, int calls) {
    tableOf(rows, "cast(id as float) as x");
    Dataset<Row> query = reader().option("batchRows", batchRows).load(table).select("y");

    assertThat(floats(query)).hasSize(rows).last().isEqualTo(2f * (rows - 1));
    assertThat(metric(query, ModelBatchesMetric.NAME)).isEqualTo(calls);
  }

  @Test
  void modelIsNotRunWithoutRows() {
    tableOf(0, "id", "cast(id as float) as x");
    Dataset<Row> empty = reader().load(table).select("y");
    assertThat(empty.collectAsList()).isEmpty();
    assertThat(metric(empty, ModelBatchesMetric.NAME)).isZero();
  }
}
