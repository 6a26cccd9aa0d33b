package io.tensorarrow.spark.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SaveMode;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** What the data source can't do is said in one coded line that names what works. */
class ReadOnlyTest extends SourceTestBase {
  private static final String WRITE = "[TA_UNSUPPORTED] Cannot write with format 'tensorflow'";

  @AfterEach
  void forget() {
    spark().catalog().dropTempView("scored");
  }

  @ParameterizedTest
  @EnumSource(SaveMode.class)
  void writingIsRefusedAndTouchesNothing(SaveMode mode) {
    Path path = dir.resolve("written");

    assertThatThrownBy(() -> scored().write().format("tensorflow").mode(mode).save(path.toString()))
        .hasMessageStartingWith(WRITE)
        .hasMessageContaining("df.write.format(\"parquet\")");
    assertThatThrownBy(
            () ->
                scored().write().format("tensorflow").option("model", model).mode(mode).save(table))
        .hasMessageStartingWith(WRITE);
    assertThat(Files.exists(path)).isFalse();
    assertThat(scored().count()).isEqualTo(ROWS);
  }

  @Test
  void insertingIntoAViewIsRefusedAndTouchesNothing() {
    scored().createOrReplaceTempView("scored");

    for (String kind : new String[] {"INTO", "OVERWRITE"}) {
      assertThatThrownBy(() -> spark().sql("INSERT " + kind + " scored SELECT * FROM scored"))
          .hasMessageStartingWith(
              "[TA_UNSUPPORTED] Cannot write to 'tensorflow scale over parquet");
    }
    assertThat(scored().count()).isEqualTo(ROWS);
  }

  @Test
  void writingAStreamIsRefused() {
    Dataset<Row> stream = spark().readStream().format("rate").load();

    assertThatThrownBy(
            () ->
                stream
                    .writeStream()
                    .format("tensorflow")
                    .option("checkpointLocation", dir.resolve("checkpoint").toString())
                    .start(dir.resolve("sink").toString()))
        .hasMessageStartingWith("[TA_UNSUPPORTED] Cannot write a stream with format 'tensorflow'");
  }

  @Test
  void readingAStreamIsRefusedWithAnAlternative() {
    for (boolean schema : new boolean[] {false, true}) {
      assertThatThrownBy(
              () -> {
                var reader = spark().readStream().format("tensorflow").option("model", model);
                (schema ? reader.schema("id BIGINT, x FLOAT") : reader).load(table);
              })
          .hasMessageStartingWith("[TA_UNSUPPORTED] Cannot read a stream with format 'tensorflow'")
          .hasMessageContaining("foreachBatch");
    }
  }

  /** Spark reads tables of the session catalog so, which older versions let users create. */
  @Test
  void readingThroughVersion1IsRefusedWithWhatWorks() {
    spark().conf().set("spark.sql.sources.useV1SourceList", "tensorflow");
    try {
      assertThatThrownBy(this::scored)
          .hasMessageStartingWith("[TA_UNSUPPORTED] Cannot read a catalog table")
          .hasMessageContaining("CREATE TEMPORARY VIEW");
    } finally {
      spark().conf().unset("spark.sql.sources.useV1SourceList");
    }
  }

  @ParameterizedTest
  @CsvSource({
    "nosuch, TA_SOURCE_NOT_FOUND",
    "hudi, TA_SOURCE_NOT_FOUND",
    "com.example.Source, TA_SOURCE_NOT_FOUND",
    "jdbc, TA_SOURCE_UNSUPPORTED",
    "libsvm, TA_SOURCE_NOT_FOUND"
  })
  void unreadableSourceIsAnErrorOfOneLine(String source, String code) {
    assertThatThrownBy(() -> reader().options(Map.of("source", source)).load(table))
        .hasMessageStartingWith("[" + code + "] Cannot read source '" + source + "': found ")
        .hasMessageContaining("; expected ")
        .message()
        .doesNotContain("\n")
        .doesNotContain("\tat ");
  }
}
