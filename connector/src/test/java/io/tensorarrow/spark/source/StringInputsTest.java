package io.tensorarrow.spark.source;

import static org.assertj.core.api.Assertions.assertThat;

import io.tensorarrow.spark.testing.TestModels;
import java.nio.file.Path;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.Test;

/** Strings through a real model, from Parquet to the result. */
final class StringInputsTest extends SourceTestBase {
  @Test
  void stringsOfEveryLengthReachTheModelUnchanged() {
    Path texts = dir.resolve("texts");
    spark()
        .range(0, 3000, 1, 1)
        .selectExpr(
            "id", "concat(repeat('x', cast(id % 101 as int)), if(id % 3 = 0, 'ü', '')) as text")
        .write()
        .parquet(texts.toString());
    Dataset<Row> scored =
        reader().option("model", TestModels.strings(dir).toString()).load(texts.toString());
    assertThat(scored.where("length != octet_length(text)").count()).isZero();
    assertThat(scored.selectExpr("sum(length)").first().getLong(0))
        .isEqualTo(
            spark()
                .read()
                .parquet(texts.toString())
                .selectExpr("sum(octet_length(text))")
                .first()
                .getLong(0));
  }
}
