package io.tensorarrow.spark.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tensorarrow.spark.errors.ErrorCode;
import org.apache.spark.sql.AnalysisException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Options and sources that do not fit are errors of {@code load}. */
class AnalysisErrorsTest extends LoadErrorTestBase {
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
  void sourceThatSparkCanNotReadIsRefused() {
    loading(reader().option("source", "jdbc"), ErrorCode.TA_SOURCE_UNSUPPORTED)
        .hasMessageContaining("'jdbc'")
        .hasMessageContaining("Option 'url' is required");
    assertThatThrownBy(() -> reader().option("source", "console").load())
        .isInstanceOf(AnalysisException.class)
        .hasMessageContaining("is not a valid Spark SQL Data Source");
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
