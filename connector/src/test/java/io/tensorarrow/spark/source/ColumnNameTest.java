package io.tensorarrow.spark.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tensorarrow.spark.testing.TestModels;
import java.io.IOException;
import java.util.List;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Unusual names of columns and tensors, and fields of structs, from table to result. */
class ColumnNameTest extends SourceTestBase {
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
}
