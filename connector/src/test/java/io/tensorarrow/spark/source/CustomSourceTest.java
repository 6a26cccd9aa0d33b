package io.tensorarrow.spark.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tensorarrow.spark.metrics.RowsInferredMetric;
import io.tensorarrow.spark.testing.SparkTestBase;
import io.tensorarrow.spark.testing.TestModels;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.LongStream;
import org.apache.spark.sql.DataFrameReader;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Sources that are no file sources: of rows, with filters of either kind, that fail. */
class CustomSourceTest extends SparkTestBase {
  @TempDir Path dir;
  private int openBefore;

  private DataFrameReader reader() throws IOException {
    return spark()
        .read()
        .format("tensorflow")
        .option("model", TestModels.scale(dir).toString())
        .option("source", CustomSource.class.getName());
  }

  @BeforeEach
  void countReaders() {
    openBefore = CustomSource.OPENED.get() - CustomSource.CLOSED.get();
  }

  @AfterEach
  void everyReaderIsClosedOnce() {
    assertThat(CustomSource.OPENED.get() - CustomSource.CLOSED.get()).isEqualTo(openBefore);
  }

  private static List<Long> ids(Dataset<Row> query) {
    return query.collectAsList().stream().map(r -> r.getLong(0)).toList();
  }

  @Test
  void sourceWithoutPartitionsIsRefused() throws IOException {
    Dataset<Row> scored = reader().option("source.filters", "local").load();

    assertThatThrownBy(scored::collectAsList)
        .hasMessageStartingWith("[TA_SOURCE_UNSUPPORTED] Cannot read source '")
        .hasMessageContaining("LocalRows");
  }

  @Test
  void structFieldsAreCorrectIfTheSourcePrunesNothing() throws IOException {
    Dataset<Row> query = reader().load().selectExpr("s.b", "y", "span");

    assertThat(query.collectAsList())
        .hasSize(CustomSource.ROWS)
        .allSatisfy(
            r -> {
              assertThat(r.getString(0)).isEqualTo("b" + Math.round(r.getFloat(1) / 2));
              assertThat(r.get(2)).hasToString(span(Math.round(r.getFloat(1) / 2)));
            });
  }

  private static String span(int months) {
    return new org.apache.spark.unsafe.types.CalendarInterval(months, 1, 5).toString();
  }

  @ParameterizedTest
  @ValueSource(strings = {"none", "v1", "v2", "rewritten"})
  void everyFilterIsAppliedForEachPushdownInterface(String filters) throws IOException {
    Dataset<Row> scored = reader().option("source.filters", filters).load();
    Dataset<Row> query = scored.where("id > 10 and s.a < 20 and id % 2 = 0").select("id", "y");

    assertThat(ids(query)).containsExactly(12L, 14L, 16L, 18L);
    assertThat(metric(query, RowsInferredMetric.NAME)).isEqualTo(4);
    assertThat(ids(scored.where("id % 7 = 3 and y > 100")))
        .containsExactly(52L, 59L, 66L, 73L, 80L, 87L, 94L);
    assertThat(scored.where("id > 97").select("y").limit(5).collectAsList()).hasSize(2);
  }

  @ParameterizedTest
  @ValueSource(strings = {"none", "v1", "v2", "rewritten"})
  void filtersKeepTheirOrder(String filters) throws IOException {
    spark().conf().set("spark.sql.ansi.enabled", true);
    try {
      Dataset<Row> query =
          reader()
              .option("source.filters", filters)
              .load()
              .where("s.a <> 3")
              .where("pmod(100 div (id - 3), 7) >= 0 and id < 6")
              .select("id", "y");

      assertThat(ids(query)).containsExactly(0L, 1L, 2L, 4L, 5L);
    } finally {
      spark().conf().unset("spark.sql.ansi.enabled");
    }
  }

  @Test
  void limitIsPushedOnlyWithoutResidualFilters() throws IOException {
    int before = CustomSource.READ.get();
    assertThat(reader().load().select("id", "y").limit(7).collectAsList()).hasSize(7);
    assertThat(CustomSource.READ.get() - before).isEqualTo(7);

    assertThat(ids(reader().load().where("id % 9 = 5").select("id", "y").limit(3)))
        .containsExactlyElementsOf(LongStream.of(5, 14, 23).boxed().toList());
  }

  @ParameterizedTest
  @ValueSource(strings = {"next", "close"})
  void failingSourceGivesItsErrorAndFreesAllMemory(String step) throws IOException {
    Dataset<Row> scored = reader().option("source.fails", step).option("batchRows", 10).load();

    assertThatThrownBy(() -> scored.select("y").collectAsList())
        .hasMessageContaining(step + " failed on purpose");
    assertThatThrownBy(scored::count).hasMessageContaining(step + " failed on purpose");
  }
}
