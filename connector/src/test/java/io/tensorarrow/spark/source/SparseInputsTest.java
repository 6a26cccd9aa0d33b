package io.tensorarrow.spark.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import io.tensorarrow.spark.testing.SparkTestBase;
import io.tensorarrow.spark.testing.SparseModels;
import java.nio.file.Path;
import java.util.List;
import org.apache.spark.sql.DataFrameReader;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.TensorProto;
import org.tensorflow.proto.TensorShapeProto;

/**
 * Sparse inputs through real models, from a table's columns to the result. The models' dense
 * outputs hold -1, or "-", where nothing was fed.
 */
final class SparseInputsTest extends SparkTestBase {
  private static final TensorProto NO_FLOAT = absent(DataType.DT_FLOAT).addFloatVal(-1).build();
  private static final TensorProto NO_LONG = absent(DataType.DT_INT64).addInt64Val(-1).build();
  private static final TensorProto NO_TEXT =
      absent(DataType.DT_STRING).addStringVal(ByteString.copyFromUtf8("-")).build();

  @TempDir Path dir;

  private static TensorProto.Builder absent(DataType dtype) {
    return TensorProto.newBuilder()
        .setDtype(dtype)
        .setTensorShape(TensorShapeProto.getDefaultInstance());
  }

  /** Writes rows of {@code id} and what the SQL says into one file. */
  private String table(String rows) {
    String table = dir.resolve("table").toString();
    spark()
        .sql("select * from values " + rows + " order by id")
        .coalesce(1)
        .write()
        .mode("overwrite")
        .parquet(table);
    return table;
  }

  private static DataFrameReader reader(Path model) {
    return spark().read().format("tensorflow").option("model", model.toString());
  }

  private Path model(TensorProto absent, long... shape) {
    return SparseModels.dense(dir.resolve("model"), absent, shape);
  }

  private static List<String> dense(Dataset<Row> scored) {
    return scored.orderBy("id").selectExpr("string(dense)").as(Encoders.STRING()).collectAsList();
  }

  @Test
  void arraysOfAnyLengthAreFedElementByElement() {
    String table =
        table(
            "(1, array(1f, 0f)), (2, array()), (3, array(null, 3f, null, 4f)), (4, array(null))"
                + " as t(id, x)");
    assertThat(dense(reader(model(NO_FLOAT, -1, -1)).load(table)))
        .containsExactly(
            "[1.0, 0.0, -1.0, -1.0]",
            "[-1.0, -1.0, -1.0, -1.0]",
            "[-1.0, 3.0, -1.0, 4.0]",
            "[-1.0, -1.0, -1.0, -1.0]");
    assertThat(dense(reader(model(NO_FLOAT, -1, 5)).load(table)))
        .first()
        .isEqualTo("[1.0, 0.0, -1.0, -1.0, -1.0]");
  }

  @ParameterizedTest
  @ValueSource(strings = {"int", "bigint"})
  void mapsAreFedByTheirKeys(String key) {
    String table =
        table(
            "(1, map(3, 30L, 0, 0L)), (2, map()), (3, map(2, null)), (4, map(1, 11L)) as t(id, m)");
    Dataset<Row> rows =
        spark().read().parquet(table).selectExpr("id", "cast(m as map<" + key + ", bigint>) as x");
    rows.coalesce(1).write().parquet(dir.resolve("maps").toString());
    assertThat(dense(reader(model(NO_LONG, -1, -1)).load(dir.resolve("maps").toString())))
        .containsExactly(
            "[0, -1, -1, 30]", "[-1, -1, -1, -1]", "[-1, -1, -1, -1]", "[-1, 11, -1, -1]");
  }

  @Test
  void sqlNullsAreSkipped() {
    String table = table("(1, array(1f, 0f, 2f)), (2, array(0f, 0f)) as t(id, x)");
    String other = dir.resolve("other").toString();
    spark()
        .read()
        .parquet(table)
        .selectExpr("id", "transform(x, v -> nullif(v, 0)) as x")
        .write()
        .parquet(other);
    assertThat(dense(reader(model(NO_FLOAT, -1, -1)).load(other)))
        .containsExactly("[1.0, -1.0, 2.0]", "[-1.0, -1.0, -1.0]");
  }

  @Test
  void emptyStringsAreFed() {
    String table =
        table(
            "(1, array('a', '')), (2, array('a text that is longer than others')), (3, array())"
                + " as t(id, x)");
    assertThat(dense(reader(model(NO_TEXT, -1, -1)).load(table)))
        .containsExactly("[a, ]", "[a text that is longer than others, -]", "[-, -]");
  }

  @Test
  void numbersAreCastAsForDenseInputs() {
    String table = table("(1, array(1.5d, 2.25d)), (2, array(-3d)) as t(id, x)");
    Path model = model(NO_FLOAT, -1, -1);
    assertThat(dense(reader(model).load(table))).containsExactly("[1.5, 2.25]", "[-3.0, -1.0]");
    assertThatThrownBy(() -> reader(model).option("cast", "safe").load(table))
        .hasMessageStartingWith(
            "[TA_INPUT_TYPE] Cannot feed column 'x' to tensor 'x' sparse float32 (-1, -1): found type array<double>");
    assertThatThrownBy(
            () ->
                dense(
                    reader(model)
                        .load(table("(1, array(1d)), (2, array(1d, 1e300d)) as t(id, x)"))))
        .hasMessageContaining("[TA_CAST_OVERFLOW]")
        .hasMessageContaining("found a double that does not fit in row 1 of split 0+");
  }

  @Test
  void nestedArraysAndMapsFeedHigherRanks() {
    Path model = model(NO_LONG, -1, -1, 3);
    for (String rows :
        List.of(
            "(1, array(array(1L), array(), null, array(2L, 3L, 4L))), (2, array())",
            "(1, map(0, array(1L), 3, array(2L, 3L, 4L))), (2, map())",
            "(1, array(map(0, 1L), null, null, map(0, 2L, 2, 4L, 1, 3L))), (2, array())")) {
      assertThat(dense(reader(model).load(table(rows + " as t(id, x)"))))
          .as(rows)
          .containsExactly(
              "[1, -1, -1, -1, -1, -1, -1, -1, -1, 2, 3, 4]",
              "[-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1]");
    }
  }

  @Test
  void scalarsFeedRankOne() {
    assertThat(
            reader(model(NO_LONG, -1))
                .load(table("(1, 7L), (2, -1L), (3, 9L) as t(id, x)"))
                .orderBy("id")
                .selectExpr("dense")
                .as(Encoders.LONG())
                .collectAsList())
        .containsExactly(7L, -1L, 9L);
  }

  @Test
  void unknownRankIsTakenFromTheColumn() {
    assertThat(
            dense(
                reader(SparseModels.unknownRank(dir))
                    .load(table("(1, array(1f)), (2, array(2f, 3f)) as t(id, x)"))))
        .containsExactly("[1.0, -1.0]", "[2.0, 3.0]");
  }

  @Test
  void batchWithoutElementsIsFed() {
    String none = "cast(array() as array<float>)";
    String empty = table("(1, " + none + "), (2, " + none + ") as t(id, x)");
    assertThat(dense(reader(model(NO_FLOAT, -1, -1)).load(empty))).containsExactly("[]", "[]");
    assertThat(dense(reader(model(NO_FLOAT, -1, 2)).load(empty)))
        .containsExactly("[-1.0, -1.0]", "[-1.0, -1.0]");
    assertThat(dense(reader(model(NO_FLOAT, -1, 2)).load(empty).where("id > 5"))).isEmpty();
  }

  @Test
  void denseShapeIsLongestRowOfBatch() {
    String rows = dir.resolve("rows").toString();
    spark()
        .range(0, 2499, 1, 1)
        .selectExpr("id", "transform(sequence(0, int(id % 7)), i -> float(id * 10 + i)) as x")
        .write()
        .parquet(rows);
    for (String batch : List.of("1", "7", "1024")) {
      Dataset<Row> scored = reader(model(NO_FLOAT, -1, -1)).option("batchRows", batch).load(rows);
      assertThat(scored.where("slice(dense, 1, size(x)) <> x").count()).as(batch).isZero();
      assertThat(scored.where("exists(slice(dense, size(x) + 1, 9), v -> v <> -1)").count())
          .isZero();
      assertThat(scored.selectExpr("max(size(dense))").first().getInt(0)).isEqualTo(7);
      assertThat(scored.selectExpr("min(size(dense))").first().getInt(0))
          .as(batch)
          .isEqualTo(batch.equals("1") ? 1 : 7);
    }
  }

  @Test
  void sparseAndDenseInputsAreFedTogether() {
    String table = table("(1, array(1f), 5f), (2, array(null, 1f, 1f), 6f) as t(id, x, other)");
    Dataset<Row> scored =
        reader(SparseModels.product(dir)).option("inputs", "x.y=other").load(table);
    assertThat(scored.columns()).containsExactly("id", "x", "other", "next", "product");
    assertThat(
            scored
                .orderBy("id")
                .selectExpr("concat_ws(' ', next, string(product))")
                .as(Encoders.STRING())
                .collectAsList())
        .containsExactly("6.0 [1.0, 10.0]", "7.0 [5.0, 50.0]");
    assertThat(scored.queryExecution().executedPlan().toString())
        .contains("feeds=[x<-x (sparse), x.y<-other]");
  }

  @Test
  void fixedBatchIsPadded() {
    assertThat(
            dense(
                reader(model(NO_FLOAT, 4, 2))
                    .load(
                        table(
                            "(1, array(1f)), (2, array()), (3, array(3f)), (4, array(null, 4f)), (5, array(5f, 5f))"
                                + " as t(id, x)"))))
        .containsExactly("[1.0, -1.0]", "[-1.0, -1.0]", "[3.0, -1.0]", "[-1.0, 4.0]", "[5.0, 5.0]");
  }

  @Test
  void rowThatDoesNotFitIsNamedInTheError() {
    String task = "Cannot feed column 'x' to tensor 'x' sparse float32 (-1, 2): found ";
    record Case(String rows, String code, String found, String expected) {}
    for (Case wrong :
        List.of(
            new Case(
                "(1, array(1f)), (2, null)",
                "[TA_NULL_INPUT] ",
                "a null",
                "; expected a value in each row"),
            new Case(
                "(1, array(1f)), (2, array(1f, 2f, 3f))",
                "[TA_INPUT_SHAPE] ",
                "an array of length 3",
                "; expected length 2 or less"),
            new Case(
                "(1, map(0, 1f)), (2, map(1, 1f, 2, 2f))",
                "[TA_INPUT_SHAPE] ",
                "a map with a key of 2 or more",
                "; expected smaller keys"),
            new Case(
                "(1, map(0, 1f)), (2, map(1, 1f, -1, 2f))",
                "[TA_INPUT_SHAPE] ",
                "a map with a negative key",
                "; expected keys of 0 and more"))) {
      Dataset<Row> scored =
          reader(model(NO_FLOAT, -1, 2)).load(table(wrong.rows() + " as t(id, x)"));
      assertThatThrownBy(() -> dense(scored))
          .as(wrong.rows())
          .hasMessageContaining(wrong.code() + task + wrong.found() + " in row 1 of split 0+")
          .hasMessageContaining(wrong.expected());
    }
  }

  @Test
  void overflowingDenseShapeIsRefused() {
    for (String key : List.of("9223372036854775807", "4611686018427387904")) {
      Dataset<Row> scored =
          reader(model(NO_FLOAT, -1, -1))
              .load(table("(1, map(" + key + "L, 1f)), (2, map(0L, 1f)) as t(id, x)"));
      assertThatThrownBy(() -> dense(scored))
          .hasMessageContaining("[TA_INPUT_SHAPE] Cannot feed column 'x'")
          .hasMessageContaining("keys")
          .hasMessageNotContaining("4611686018427387904");
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"1f", "array(array(1f))", "map('a', 1f)", "'a'", "array('a')", "date'2020-01-01'"})
  void columnsOfOtherTypesAreRefusedBeforeAnyTask(String value) {
    String table = table("(1, " + value + ") as t(id, x)");
    assertThatThrownBy(() -> reader(model(NO_FLOAT, -1, -1)).load(table))
        .hasMessageStartingWith(
            "[TA_INPUT_TYPE] Cannot feed column 'x' to tensor 'x' sparse float32 (-1, -1): found type ")
        .hasMessageContaining("; expected ");
  }

  @Test
  void sparseOutputIsRefusedWithAnAlternative() {
    String table = table("(1, array(1f), 5f) as t(id, x, other)");
    assertThatThrownBy(
            () ->
                reader(SparseModels.product(dir))
                    .option("inputs", "x.y=other")
                    .option("outputs", "echo")
                    .load(table))
        .hasMessageStartingWith(
            "[TA_TENSOR_UNSUPPORTED] Cannot fetch tensor 'echo' sparse float32 (-1, 3): found a sparse tensor")
        .hasMessageContaining("tf.sparse.to_dense");
  }
}
