package io.tensorarrow.spark.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.options.CastMode;
import io.tensorarrow.spark.tensor.DType;
import io.tensorarrow.spark.tensor.TensorShape;
import io.tensorarrow.spark.tensor.TensorSpec;
import io.tensorarrow.spark.tensor.feed.ColumnFeeder;
import io.tensorarrow.spark.testing.BatchModels;
import io.tensorarrow.spark.testing.OddModels;
import io.tensorarrow.spark.testing.TestModels;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.DataFrameReader;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.types.DataTypes;
import org.assertj.core.api.AbstractThrowableAssert;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.tensorflow.proto.DataType;

/** What does not fit is an error of {@code load}, before any task starts. */
class AnalysisErrorsTest extends SourceTestBase {
  private AbstractThrowableAssert<?, ? extends Throwable> loading(
      DataFrameReader reader, ErrorCode code) {
    return assertThatThrownBy(() -> reader.load(table))
        .isInstanceOfSatisfying(
            TensorArrowException.class, e -> assertThat(e.code()).isEqualTo(code))
        .hasMessageStartingWith("[" + code + "] Cannot ")
        .hasMessageContaining(": found ")
        .hasMessageContaining("; expected ");
  }

  private DataFrameReader plainReader() {
    return spark().read().format("tensorflow");
  }

  /** Writes the table anew with other columns. */
  private void tableOf(String... columns) {
    table = dir.resolve("other").toString();
    spark().range(10).selectExpr(columns).write().parquet(table);
  }

  @Test
  void missingModelOptionIsRefused() {
    loading(plainReader(), ErrorCode.TA_OPTION_MISSING).hasMessageContaining("'model'");
  }

  @Test
  void missingPathIsRefused() {
    assertThatThrownBy(() -> reader().load())
        .hasMessageStartingWith("[TA_OPTION_MISSING] Cannot read source 'parquet': found no path");
  }

  @Test
  void pathGivenTwiceIsRefused() {
    loading(reader().option("source.path", table + "/part=1"), ErrorCode.TA_UNSUPPORTED)
        .hasMessageContaining("'source.path'")
        .hasMessageContaining("'path'");
  }

  @Test
  void missingSourceIsRefusedIfTensorflowIsTheDefaultFormat() {
    String before = spark().conf().get("spark.sql.sources.default");
    spark().conf().set("spark.sql.sources.default", "tensorflow");
    try {
      loading(reader(), ErrorCode.TA_OPTION_MISSING).hasMessageContaining("option 'source'");
      assertThat(reader().option("source", "parquet").load(table).count()).isEqualTo(ROWS);
    } finally {
      spark().conf().set("spark.sql.sources.default", before);
    }
  }

  @Test
  void misspeltOptionIsRefusedWithASuggestion() {
    loading(reader().option("signatur", "x"), ErrorCode.TA_OPTION_UNKNOWN)
        .hasMessageContaining("did you mean 'signature'?");
  }

  @Test
  void missingModelDirectoryIsRefused() {
    loading(
            plainReader().option("model", dir.resolve("nowhere").toString()),
            ErrorCode.TA_MODEL_NOT_FOUND)
        .hasMessageContaining("nowhere");
  }

  @Test
  void modelOnFileSystemWithoutConnectorIsRefused() {
    loading(plainReader().option("model", "s3a://bucket/models/m"), ErrorCode.TA_MODEL_FETCH)
        .hasMessageContaining("'s3a://bucket/models/m' on host '")
        .hasMessageContaining("connector of scheme 's3a'")
        .hasMessageContaining("org.apache.hadoop:hadoop-aws");
    loading(plainReader().option("model", "abfss://c@a/m"), ErrorCode.TA_MODEL_FETCH)
        .hasMessageContaining("org.apache.hadoop:hadoop-azure");
    loading(plainReader().option("model", "gs://bucket/m"), ErrorCode.TA_MODEL_FETCH)
        .hasMessageContaining("com.google.cloud.bigdataoss:gcs-connector");
    loading(plainReader().option("model", "other://host/m"), ErrorCode.TA_MODEL_FETCH)
        .hasMessageContaining("connector of scheme 'other'");
  }

  @Test
  void modelUriWithCredentialsIsRefused() {
    for (String uri :
        List.of(
            "s3a://key:pa55word@bucket/m",
            "s3a://key%3Apa55word@bucket/m",
            "https://host/m?sig=pa55word",
            "s3a://key:pa55word@:bucket:/m")) {
      loading(plainReader().option("model", uri), ErrorCode.TA_OPTION_INVALID)
          .hasMessageContaining("'model'")
          .hasMessageNotContaining("pa55word")
          .hasNoCause();
    }
  }

  @Test
  void versionIsChosenByNumberLabelOrLatest() throws IOException {
    Path versions = dir.resolve("versions");
    TestModels.scaleBy(versions.resolve("9"), 9);
    TestModels.scaleBy(versions.resolve("10"), 10);
    Files.writeString(versions.resolve("labels.properties"), "stable=9");
    Files.createDirectory(versions.resolve("11"));
    DataFrameReader reader = plainReader().option("model", versions.toString());

    assertThat(y(reader)).isEqualTo(10f);
    assertThat(y(reader.option("version", "9"))).isEqualTo(9f);
    assertThat(y(reader.option("version", "stable"))).isEqualTo(9f);
    assertThat(y(reader.option("version", "latest"))).isEqualTo(10f);
    loading(reader.option("version", "11"), ErrorCode.TA_VERSION_NOT_FOUND)
        .hasMessageContaining("'11' is incomplete, with an empty directory")
        .hasMessageContaining("'10', '9'");
    loading(reader.option("version", "12"), ErrorCode.TA_VERSION_NOT_FOUND)
        .hasMessageContaining("versions '10', '11', '9' and labels 'stable'");
    loading(reader().option("version", "1"), ErrorCode.TA_VERSION_NOT_FOUND)
        .hasMessageContaining("a SavedModel without versions");
    assertThat(
            reader
                .option("version", "9")
                .load(table)
                .schema()
                .apply("y")
                .metadata()
                .getString("tensor.model"))
        .isEqualTo("versions/9");
  }

  private float y(DataFrameReader reader) {
    return reader.load(table).where("id = 1").select("y").first().getFloat(0);
  }

  @Test
  void malformedModelPathIsRefused() {
    loading(plainReader().option("model", "a:b:c"), ErrorCode.TA_OPTION_INVALID)
        .hasMessageContaining("'model'");
  }

  @Test
  void modelUrisAndUnusualPathsAreOpened() throws IOException {
    Path odd = Files.createDirectories(dir.resolve("a b%20c#d é"));
    Path moved = TestModels.scale(odd);

    assertThat(plainReader().option("model", moved.toString()).load(table).select("y").count())
        .isEqualTo(ROWS);
    assertThat(plainReader().option("model", "file://" + moved).load(table).where("id=4").first())
        .isNotNull();
    assertThat(y(plainReader().option("model", moved + "/../../a b%20c#d é/scale"))).isEqualTo(2f);
    // Never another one: what looks encoded is not decoded.
    TestModels.scale(Files.createDirectories(dir.resolve("a b")));
    loading(
        plainReader().option("model", "file://" + dir + "/a%20b/scale"),
        ErrorCode.TA_MODEL_NOT_FOUND);
    loading(plainReader().option("model", "/" + "x/".repeat(3000)), ErrorCode.TA_MODEL_NOT_FOUND)
        .hasMessageContaining("nothing there on the local file system");
    loading(plainReader().option("model", "a\0b"), ErrorCode.TA_OPTION_INVALID);
  }

  @Test
  void unknownTagsAreRefused() {
    loading(reader().option("tags", "train"), ErrorCode.TA_TAGS_NOT_FOUND)
        .hasMessageContaining("serve");
  }

  @Test
  void unknownSignatureIsRefused() {
    loading(reader().option("signature", "serving"), ErrorCode.TA_SIGNATURE_NOT_FOUND)
        .hasMessageContaining("'serving_default'");
  }

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
  void duplicateColumnsOfOtherCaseGiveSparksError() {
    spark().conf().set("spark.sql.caseSensitive", "true");
    try {
      tableOf("cast(id as float) as x", "cast(id as float) as X");
    } finally {
      spark().conf().unset("spark.sql.caseSensitive");
    }
    assertThatThrownBy(() -> reader().load(table)).hasMessageContaining("COLUMN_ALREADY_EXISTS");
  }

  @ParameterizedTest
  @ValueSource(strings = {"not json", "{}", "[1]", "[\"a\"", "[]"})
  void malformedPathsOptionIsRefused(String paths) {
    assertThatThrownBy(() -> reader().option("paths", paths).load())
        .hasMessageStartingWith("[TA_OPTION_INVALID] Cannot use option 'paths': found ")
        .hasMessageContaining("; expected a JSON array of strings");
    assertThatThrownBy(() -> reader().option("source.paths", paths).load())
        .hasMessageStartingWith("[TA_OPTION_INVALID] Cannot use option 'source.paths': found ");
  }

  @Test
  void severalPathsAreRead() {
    assertThat(reader().load(table + "/part=1", table + "/part=2").count()).isEqualTo(ROWS / 2);
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

  @Test
  void sourceWithoutV2ReaderIsRefused() {
    loading(reader().option("source", "jdbc"), ErrorCode.TA_SOURCE_UNSUPPORTED)
        .hasMessageContaining("'jdbc'");
    loading(reader().option("source", "console"), ErrorCode.TA_SOURCE_UNSUPPORTED)
        .hasMessageContaining("'console'");
  }

  @Test
  void writingIsRefused() {
    assertThatThrownBy(
            () ->
                spark()
                    .range(3)
                    .write()
                    .format("tensorflow")
                    .option("model", model)
                    .mode("append")
                    .save(table))
        .isInstanceOf(Exception.class);
    assertThat(spark().read().parquet(table).count()).isEqualTo(ROWS);
  }
}
