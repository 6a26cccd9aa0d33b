package io.tensorarrow.spark.source;

import static org.assertj.core.api.Assertions.assertThat;

import io.tensorarrow.spark.metrics.RowsInferredMetric;
import java.util.List;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class FilterPushdownTest extends SourceTestBase {
  /**
   * Each filter with the rows that it leaves for the model, and whether Parquet's reader is told of
   * it.
   */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          id > 990                                  |    9 | GreaterThan(id,990)
          id > 990 and part = 3                     |    3 | GreaterThan(id,990)
          part = 3                                  |  250 | part
          name = 'n7'                               |    1 | EqualTo(name,n7)
          name like 'n%7'                           |  100 | IsNotNull(name)
          name is null                              |  100 | IsNull(name)
          id % 7 = 0                                |  143 | IsNotNull(id)
          s.a < 5                                   |    5 | LessThan(s.a,5)
          xs[1] = 12                                |    1 | xs[1] = 12L
          x > 10 or part = 2                        |  992 | InferenceScan
          id > 990 and y > 1990                     |    9 | GreaterThan(id,990)
          y > 1990                                  | 1000 | InferenceScan
          id > 2000                                 |    0 | GreaterThan(id,2000)
          id in (1, 2, 5000)                        |    2 | In(id, [1,2,5000])
          id > 990 and rand() < 2                   |    9 | GreaterThan(id,990)
          id > (select max(id) + 490 from range(501)) | 1000 | InferenceScan
          """)
  void filtersAreEvaluatedBeforeTheModelAndReachTheSource(
      String filter, long rowsInferred, String inDescription) {
    Dataset<Row> query = scored().where(filter).select("id", "y");

    List<Row> rows = query.collectAsList();

    assertThat(rows)
        .containsExactlyInAnyOrderElementsOf(
            expected().where(filter).select("id", "y").collectAsList());
    assertThat(metric(query, RowsInferredMetric.NAME)).isEqualTo(rowsInferred);
    assertThat(scans(query).get(0).scan().description()).contains(inDescription);
  }

  @Test
  void partitionFiltersPruneFilesOfTheSource() {
    Dataset<Row> query = scored().where("part = 3").select("id", "y");
    query.collectAsList();

    assertThat(scans(query).get(0).scan().description())
        .containsPattern("PartitionFilters: \\[[^\\]]*part#\\d+ = 3")
        .contains("evaluated before the model: []");
  }

  @Test
  void filterOnStructFieldKeepsOtherFieldsCorrect() {
    Dataset<Row> query = scored().where("s.b = 40 or s.a = 3").select("s.c", "y");

    assertThat(query.collectAsList())
        .containsExactlyInAnyOrderElementsOf(
            expected().where("s.b = 40 or s.a = 3").select("s.c", "y").collectAsList())
        .hasSize(2);
  }

  /** Spark runs what it does not compile over rows; vectors give nulls in arrays as numbers. */
  @ParameterizedTest
  @ValueSource(strings = {"parquet", "orc", "json"})
  void filtersWithLambdasSeeTheNullsInArrays(String format) {
    String path = dir.resolve(format).toString();
    spark()
        .range(0, 60, 1, 1)
        .selectExpr(
            "id",
            "cast(id as float) as x",
            "if(id % 7 = 0, null, array(id, if(id % 3 = 0, null, id + 1))) as a",
            "array(named_struct('p', if(id % 4 = 0, null, cast(id as string)), 'q', id)) as s",
            "array(array(0L), if(id % 5 = 0, null, array(id, null))) as n")
        .write()
        .format(format)
        .save(path);
    Dataset<Row> plain = spark().read().format(format).load(path);
    Dataset<Row> scored = reader().option("source", format).load(path);

    for (String filter :
        List.of(
            "not exists(a, e -> e is null)",
            "forall(a, e -> e is not null) and id % 2 = 1",
            "exists(s, e -> e.p is null) or x = 7",
            "exists(n, e -> e is null)",
            "exists(n, e -> exists(e, f -> f is null))",
            "size(filter(a, e -> e is not null and e <> x)) = 1",
            "aggregate(a, 0L, (sum, e) -> sum + coalesce(e, 1000)) > 1000 and size(s) = 1")) {
      assertThat(scored.where(filter).select("id", "y").collectAsList())
          .as(filter)
          .isNotEmpty()
          .containsExactlyInAnyOrderElementsOf(
              plain.where(filter).selectExpr("id", "cast(x * 2 as float)").collectAsList());
    }
  }

  @Test
  void filterOnTensorColumnStaysWithSpark() {
    Dataset<Row> query = scored().where("y = 84").select("id");

    assertThat(query.collectAsList()).extracting(r -> r.getLong(0)).containsExactly(42L);
    assertThat(query.queryExecution().executedPlan().toString()).contains("Filter (y#");
  }
}
