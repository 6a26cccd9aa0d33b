package io.tensorarrow.spark.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.options.CastMode;
import io.tensorarrow.spark.tensor.DType;
import io.tensorarrow.spark.tensor.TensorShape;
import io.tensorarrow.spark.tensor.TensorSpec;
import io.tensorarrow.spark.tensor.feed.ColumnFeeder;
import io.tensorarrow.spark.testing.BatchModels;
import io.tensorarrow.spark.testing.OddModels;
import io.tensorarrow.spark.testing.TestModels;
import java.io.IOException;
import java.util.Map;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.types.DataTypes;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.tensorflow.proto.DataType;

/** Columns and tensors that do not match are errors of {@code load}. */
class BindingErrorsThroughSparkTest extends LoadErrorTestBase {
  @Test
  void missingInputColumnIsRefused() {
    tableOf("id", "cast(id as float) as z");
    loading(reader(), ErrorCode.TA_INPUT_MISMATCH)
        .hasMessage(
            "[TA_INPUT_MISMATCH] Cannot feed signature 'serving_default': found missing: {'x' float32 (-1,) (no column 'x' (did you mean 'z'?))};"
                + " sent: {'z' float, 'id' bigint}; expected {'x' float32 (-1,)}, each from the column of its name or from one that"
                + " option inputs names, for instance inputs='x=column'");
    assertThat(reader().option("inputs", "x=Z").load(table).where("id = 3").first().getFloat(2))
        .isEqualTo(6f);
  }

  @Test
  void columnsThatDifferInCaseAreDistinctIfSparkIsCaseSensitive() {
    spark().conf().set("spark.sql.caseSensitive", "true");
    try {
      tableOf("cast(id as float) as xX", "cast(id + 100 as float) as Xx");
      loading(reader().option("inputs", "x=xx"), ErrorCode.TA_INPUT_MISMATCH)
          .hasMessageContaining("no column 'xx' (did you mean 'Xx'?)");
      assertThat(
              reader()
                  .option("inputs", "x=Xx")
                  .load(table)
                  .selectExpr("max(y)")
                  .first()
                  .getFloat(0))
          .isEqualTo(218f);
    } finally {
      spark().conf().unset("spark.sql.caseSensitive");
    }
  }

  @Test
  void exactColumnNameWinsOverOneOfOtherCase() {
    spark().conf().set("spark.sql.caseSensitive", "true");
    try {
      tableOf("cast(id as float) as x", "cast(id + 100 as float) as X");
      assertThat(reader().load(table).selectExpr("max(y)").first().getFloat(0)).isEqualTo(18f);
    } finally {
      spark().conf().unset("spark.sql.caseSensitive");
    }
  }

  @Test
  void unknownInputIsRefused() {
    loading(reader().option("inputs", "pixels=x"), ErrorCode.TA_INPUT_MISMATCH)
        .hasMessageContaining("found extra: {'pixels'}; sent: {")
        .hasMessageContaining("; expected {'x' float32 (-1,)}");
  }

  @Test
  void inputNamedTwiceIsRefused() {
    loading(reader().option("inputs", "x=x, X=id"), ErrorCode.TA_INPUT_MISMATCH)
        .hasMessageContaining("found named twice: {'X'}");
  }

  @Test
  void stringColumnForFloatInputIsRefused() {
    tableOf("id", "cast(id as string) as x");
    loading(reader(), ErrorCode.TA_INPUT_TYPE)
        .hasMessageContaining("'x'")
        .hasMessageContaining("string")
        .hasMessageContaining("float32");
  }

  @Test
  void inputThatNeedsAWiderCastModeIsRefused() {
    tableOf("cast(id as double) as x");
    loading(reader().option("cast", "safe"), ErrorCode.TA_INPUT_TYPE)
        .hasMessageContaining("double")
        .hasMessageContaining("same_kind");
    assertThat(reader().load(table).selectExpr("max(y)").first().getFloat(0)).isEqualTo(18f);
  }

  @Test
  void unknownOutputIsRefused() {
    loading(reader().option("outputs", "yy"), ErrorCode.TA_OUTPUT_MISMATCH)
        .hasMessage(
            "[TA_OUTPUT_MISMATCH] Cannot fetch outputs of signature 'serving_default': found extra: {'yy' (did you mean 'y'?)};"
                + " expected each at most once out of {'y' float32 (-1,)}");
  }

  @Test
  void outputNamedTwiceIsRefused() {
    loading(reader().option("outputs", "y, y=z"), ErrorCode.TA_OUTPUT_MISMATCH)
        .hasMessageContaining("named twice");
  }

  @Test
  void outputNamedLikeAColumnIsRefused() {
    tableOf("cast(id as float) as x", "id as Y");
    loading(reader(), ErrorCode.TA_COLUMN_CLASH)
        .hasMessageContaining("found input column 'Y' of that name")
        .hasMessageContaining("outputs='y=y_out'");
    assertThat(reader().option("outputs", "y=score").load(table).columns())
        .containsExactly("x", "Y", "score");
  }

  @Test
  void numbersAreNotFedToAStringTensor() throws IOException {
    loading(
            plainReader()
                .option("model", TestModels.strings(dir).toString())
                .option("inputs", "text=id"),
            ErrorCode.TA_INPUT_TYPE)
        .hasMessageContainingAll("'text' str", "found type bigint", "string, binary");
  }

  @Test
  void batchRowsOtherThanTheFixedBatchAreRefused() throws IOException {
    loading(
            plainReader()
                .option("model", BatchModels.fixedBatch(dir).toString())
                .option("batchRows", 8),
            ErrorCode.TA_OPTION_INVALID)
        .hasMessageContaining("'batchRows': found '8'; expected auto or 4, the batch size that");
  }

  @Test
  void allErrorsOfAReadAreReportedAtOnce() throws IOException {
    tableOf("id", "id as n", "cast(id as string) as f", "array(cast(id as float)) as d");
    loading(
            plainReader()
                .option("model", TestModels.kinds(dir).toString())
                .option("inputs", "g=id, i=id, l=s.t")
                .option("outputs", "f_sum=n, f_summ, d_half=N"),
            ErrorCode.TA_INPUT_MISMATCH)
        .hasMessageContaining("missing: {'l' int64 (-1,) (no column 's.t'")
        .hasMessageContaining("extra: {'g'")
        .hasMessageContaining(
            "mistyped: {column 'd' to tensor 'd' float64 (-1,): found type array<float>")
        .hasMessageContaining("column 'f' to tensor 'f' float32 (-1, 4): found type string")
        .hasMessageContaining("column 'id' to tensor 'i' int32 (-1, 2, 3): found type bigint")
        .hasMessageContaining(". Also: [TA_OUTPUT_MISMATCH] Cannot fetch outputs")
        .hasMessageContaining("extra: {'f_summ' (did you mean 'f_sum'?)}")
        .hasMessageContaining(". Also: [TA_COLUMN_CLASH] Cannot add column 'n'")
        .hasMessageContaining(". Also: [TA_COLUMN_CLASH] Cannot add column 'N'");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "cast(id as decimal(10, 2))",
        "cast('2024-01-01' as timestamp)",
        "cast('2024-01-01' as date)",
        "map('a', id)",
        "named_struct('a', id)",
        "cast(id as string)"
      })
  void columnOfUnfeedableTypeIsRefusedWithAcceptedTypes(String expression) {
    tableOf(expression + " as x");
    loading(reader(), ErrorCode.TA_INPUT_TYPE)
        .hasMessageContaining("Cannot feed column 'x' to tensor 'x' float32 (-1,): found type ")
        .hasMessageContaining("float, double")
        .hasMessageContaining(
            "or elements of type float in the table itself: write the converted rows");
  }

  /** Spark holds all of these as integers. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "timestamp'2024-01-01 00:00:00'",
        "timestamp_ntz'2024-01-01 00:00:00'",
        "date'2024-01-01'",
        "interval '1' day",
        "interval '1' month",
        "array(timestamp'2024-01-01 00:00:00')",
        "cast(1.5 as decimal(10,1))",
        "cast('1' as binary)",
        "'1'",
      })
  void timestampsIntervalsAndDecimalsAreNotFedAsIntegers(String expression) {
    tableOf(expression + " as x");
    String same =
        OddModels.same(
                dir.resolve("same"), Map.of("x", new OddModels.Tensor(DataType.DT_INT64, -1)))
            .toString();
    loading(plainReader().option("model", same).option("cast", "unsafe"), ErrorCode.TA_INPUT_TYPE)
        .hasMessageContaining("Cannot feed column 'x' to tensor 'x' int64 (-1,): found type ")
        .hasMessageContaining("; expected elements of type bigint, ")
        .hasMessageContaining(
            "or elements of type bigint in the table itself: write the converted rows");
  }

  @Test
  void calendarIntervalsAndVoidAreNotFedAsNumbers() throws IOException {
    loading(
            reader().option("source", CustomSource.class.getName()).option("inputs", "x=span"),
            ErrorCode.TA_INPUT_TYPE)
        .hasMessageContaining("found type interval; expected elements of type float");
    assertThatThrownBy(
            () ->
                ColumnFeeder.create(
                    new TensorSpec("x", DType.INT32, TensorShape.of(-1)),
                    "x",
                    DataTypes.NullType,
                    CastMode.UNSAFE))
        .hasMessageStartingWith("[TA_INPUT_TYPE] Cannot feed column 'x' to tensor 'x' int32 (-1,)")
        .hasMessageContaining("found type void; expected elements of type int");
  }

  @Test
  void outputsWithoutBatchAxisAreSkippedOrRefusedIfNamed() throws IOException {
    String notBatched = BatchModels.notBatched(dir).toString();
    Dataset<Row> scored = plainReader().option("model", notBatched).load(table);

    assertThat(scored.columns()).contains("y").doesNotContain("total");
    loading(
            plainReader().option("model", notBatched).option("outputs", "total"),
            ErrorCode.TA_TENSOR_UNSUPPORTED)
        .hasMessageContaining("'total'");
  }

  @Test
  void everyUnfetchableOutputIsReportedIfNamed() throws IOException {
    String notBatched = BatchModels.notBatched(dir).toString();

    loading(
            plainReader()
                .option("model", notBatched)
                .option("outputs", "anything, total, three, y"),
            ErrorCode.TA_TENSOR_UNSUPPORTED)
        .hasMessageContaining("'anything' float32 unknown_rank: found an unknown rank")
        .hasMessageContaining("'total' float32 (): found shape (), which has no batch axis")
        .hasMessageContaining(
            "'three' int32 (3,): found shape (3,), whose first dimension is fixed");
  }
}
