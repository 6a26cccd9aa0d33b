package io.tensorarrow.spark.source;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Queries put together by chance give the rows that plain Spark gives with {@code x * 2} in the
 * model's place.
 */
class RandomQueriesTest extends SourceTestBase {
  private static final int QUERIES = 2;

  private static final List<String> COLUMNS =
      List.of(
          "id",
          "x",
          "name",
          "s",
          "s.a",
          "s.c",
          "xs[1] as second",
          "part",
          "y",
          "y + 1 as more",
          "part_null",
          "deep",
          "deep.q as inner",
          "money",
          "cast(instant as string) as at");

  private static final List<String> FILTERS =
      List.of(
          "id % 3 = 1",
          "x > 700",
          "name is null",
          "name like '%9'",
          "s.b < 900",
          "part in (1, 3)",
          "xs[0] = xs[1] - 1",
          "y > 300",
          "y < id + 500",
          "part_null is null",
          "size(deep) > 1",
          "exists(deep, d -> d.q % 2 = 0)",
          "length(name) <> 3");

  @ParameterizedTest
  @CsvSource({"parquet, true", "parquet, false", "orc, true", "json, true"})
  void randomQueriesGiveTheRowsOfPlainSpark(String format, String vectorized) {
    String path = dir.resolve("random").toString();
    spark()
        .read()
        .parquet(table)
        .selectExpr(
            "*",
            "if(id % 4 = 2, null, id % 90) as part_null",
            "if(id % 5 = 1, null, array(named_struct('q', id, 'r', name), null)) as deep",
            "if(id % 8 = 1, null, cast(id / 3 as decimal(25, 5))) as money",
            "if(id % 7 = 1, null, timestamp_seconds(id)) as instant")
        .repartition(3)
        .write()
        .format(format)
        .partitionBy("part")
        .save(path);
    Dataset<Row> plain =
        spark().read().format(format).load(path).selectExpr("*", "cast(x * 2 as float) as y");
    String conf = "spark.sql." + format + ".enableVectorizedReader";
    spark().conf().set(conf, vectorized);
    try {
      for (int seed = 0; seed < QUERIES; seed++) {
        check(new Random(seed), format, path, plain);
      }
    } finally {
      spark().conf().unset(conf);
    }
  }

  private void check(Random random, String format, String path, Dataset<Row> plain) {
    List<String> conditions = some(random, FILTERS, 5);
    String filter =
        conditions.isEmpty()
            ? "true"
            : String.join(random.nextBoolean() ? " and " : " or ", conditions);
    String[] columns =
        Stream.concat(Stream.of("id as key"), some(random, COLUMNS, 4).stream())
            .toArray(String[]::new);
    int batchRows = List.of(1, 7, 100, 1 << 20).get(random.nextInt(4));
    int limit = random.nextInt(300);
    Dataset<Row> scored =
        reader().option("source", format).option("batchRows", batchRows).load(path).where(filter);

    List<String> rows = plain.where(filter).selectExpr(columns).toJSON().collectAsList();
    String query =
        "%s where %s, %d rows a batch".formatted(String.join(", ", columns), filter, batchRows);
    assertThat(scored.selectExpr(columns).toJSON().collectAsList())
        .as(query)
        .containsExactlyInAnyOrderElementsOf(rows);
    assertThat(scored.selectExpr(columns).limit(limit).toJSON().collectAsList())
        .as(query + ", limit " + limit)
        .hasSize(Math.min(limit, rows.size()))
        .doesNotHaveDuplicates()
        .isSubsetOf(rows);
    assertThat(scored.count()).as(query + ", counted").isEqualTo(rows.size());
  }

  /** Returns one in {@code outOf} of the texts. */
  private static List<String> some(Random random, List<String> texts, int outOf) {
    return texts.stream().filter(text -> random.nextInt(outOf) == 0).toList();
  }
}
