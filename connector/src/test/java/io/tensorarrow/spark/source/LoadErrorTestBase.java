package io.tensorarrow.spark.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import org.apache.spark.sql.DataFrameReader;
import org.assertj.core.api.AbstractThrowableAssert;

/** Base of tests of errors that {@code load} throws, before any task starts. */
abstract class LoadErrorTestBase extends SourceTestBase {
  AbstractThrowableAssert<?, ? extends Throwable> loading(DataFrameReader reader, ErrorCode code) {
    return assertThatThrownBy(() -> reader.load(table))
        .isInstanceOfSatisfying(
            TensorArrowException.class, e -> assertThat(e.code()).isEqualTo(code))
        .hasMessageStartingWith("[" + code + "] Cannot ")
        .hasMessageContaining(": found ")
        .hasMessageContaining("; expected ");
  }

  DataFrameReader plainReader() {
    return spark().read().format("tensorflow");
  }

  /** Writes the table anew with other columns. */
  void tableOf(String... columns) {
    table = dir.resolve("other").toString();
    spark().range(10).selectExpr(columns).write().parquet(table);
  }
}
