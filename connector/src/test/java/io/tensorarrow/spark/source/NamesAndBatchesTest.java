package io.tensorarrow.spark.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tensorarrow.spark.metrics.ModelBatchesMetric;
import io.tensorarrow.spark.metrics.RowsInferredMetric;
import io.tensorarrow.spark.testing.BatchModels;
import io.tensorarrow.spark.testing.TestModels;
import java.io.IOException;
import java.util.List;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Odd names, fields of structs, and signatures that fix their batch, from table to result. */
class NamesAndBatchesTest extends SourceTestBase {
  /** Writes the table anew, in one partition. */
  private void tableOf(int rows, String... columns) {
    table = dir.resolve("other").toString();
    spark().range(0, rows, 1, 1).selectExpr(columns).write().parquet(table);
  }

  private static List<Float> floats(Dataset<Row> query) {
    return query.collectAsList().stream().map(r -> r.getFloat(0)).toList();
  }

  @ParameterizedTest
  @ValueSource(strings = {"true", "false"})
  void structFieldIsFed(String columnar) {
    tableOf(5, "id", "named_struct('a', id, 'b', named_struct('v.w', cast(id as float))) as s");
    spark().conf().set("spark.sql.parquet.enableNestedColumnVectorizedReader", columnar);
    try {
      Dataset<Row> scored = reader().option("inputs", "x=S.b.`v.w`").load(table);

      assertThat(floats(scored.orderBy("id").select("y"))).containsExactly(0f, 2f, 4f, 6f, 8f);
      assertThat(floats(scored.where("s.a > 3").select("y"))).containsExactly(8f);
      assertThat(scored.where("id = 2").selectExpr("s.a", "y").first().getLong(0)).isEqualTo(2);
    } finally {
      spark().conf().unset("spark.sql.parquet.enableNestedColumnVectorizedReader");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"true", "false"})
  void nullStructAboveAFieldIsANullInput(String columnar) {
    tableOf(5, "id", "if(id = 3, null, named_struct('b', cast(id as float))) as s");
    spark().conf().set("spark.sql.parquet.enableNestedColumnVectorizedReader", columnar);
    try {
      Dataset<Row> scored = reader().option("inputs", "x=s.b").load(table);

      assertThatThrownBy(() -> scored.select("y").collectAsList())
          .hasMessageContaining(
              "[TA_NULL_INPUT] Cannot feed column 's.b': found a null in struct 's' in row 3 of split 0+");
      assertThat(floats(scored.where("s is not null").select("y"))).containsExactly(0f, 2f, 4f, 8f);
    } finally {
      spark().conf().unset("spark.sql.parquet.enableNestedColumnVectorizedReader");
    }
  }

  @Test
  void unusualNamesAreMappedInBothForms() throws IOException {
    tableOf(
        4, "cast(id as float) as `p.q`", "1f as `r,s`", "named_struct('t', 2f) as u", "3f as v");
    model = TestModels.oddNames(dir).toString();
    String shortForm = "a.b=p.q, ` `=v";
    String json = "{\"a.b\": \"`p.q`\", \"`,=` \": [\"r,s\"], \"n\": \"u.t\", \"N\": \"V\"}";

    assertThatThrownBy(() -> reader().option("inputs", shortForm).load(table))
        .hasMessageContaining("extra: {' '");
    Dataset<Row> scored = reader().option("inputs", json).load(table);
    assertThat(scored.columns()).containsExactly("p.q", "r,s", "u", "v", "`q`", "s.um", "名/前 [0]");
    assertThat(floats(scored.orderBy("`p.q`").select("`s.um`")))
        .containsExactly(3210f, 3211f, 3212f, 3213f);
    assertThat(scored.where("```q``` = 3 and `名/前 [0]` = 2").count()).isEqualTo(4);
    assertThat(
            reader()
                .option("inputs", "a.b=p.q, ```,=`` `=`r,s`, n=u.t, N=v")
                .option("outputs", "[\"s.um\", {\"`q`\": \"last one\"}]")
                .load(table)
                .columns())
        .containsExactly("p.q", "r,s", "u", "v", "s.um", "last one");
  }

  @Test
  void thousandsOfOutputsArePruned() throws IOException {
    model = TestModels.manyOutputs(dir, 2000).toString();
    Dataset<Row> scored = reader().load(table);

    assertThat(scored.columns()).hasSize(6 + 2000);
    assertThat(floats(scored.where("id = 7").select("y1999"))).containsExactly(14f);
    assertThat(scored.where("id = 7").first().size()).isEqualTo(6 + 2000);
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
    List<Row> found = query.collectAsList();

    assertThat(found).hasSize(rows);
    for (int i = 0; i < rows; i++) {
      assertThat(found.get(i).getFloat(0)).isEqualTo(i + 1f);
      assertThat(found.get(i).getFloat(1)).isEqualTo((float) (i % 3));
      assertThat(found.get(i).<Float>getList(2)).containsExactly(2f * i, 2f);
      assertThat(found.get(i).getLong(3)).isEqualTo(i);
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
