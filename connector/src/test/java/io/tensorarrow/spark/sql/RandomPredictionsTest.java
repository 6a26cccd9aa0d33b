package io.tensorarrow.spark.sql;

import static org.assertj.core.api.Assertions.assertThat;

import io.tensorarrow.spark.TensorArrow;
import io.tensorarrow.spark.source.SourceTestBase;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Queries that are put together by chance, with calls of a model anywhere in them, give what the
 * same query gives with {@code 2 x} in the call's place.
 */
class RandomPredictionsTest extends SourceTestBase {
  private static final int QUERIES = Boolean.getBoolean("tensorarrow.nightly") ? 200 : 8;
  private static final int DEPTH = 3;
  private static final Pattern CALL = Pattern.compile("\\{([^{}]*)\\}");

  /** Settings that change how Spark plans and runs a query. */
  private static final List<Map<String, String>> SETTINGS =
      List.of(
          Map.of("spark.sql.adaptive.enabled", "true"),
          Map.of("spark.sql.adaptive.enabled", "false"),
          Map.of("spark.sql.codegen.wholeStage", "false"),
          Map.of("spark.sql.autoBroadcastJoinThreshold", "-1"));

  /** Relations over one relation $r, all of the columns id, x and g, with {argument} as a call. */
  private static final List<String> OVER_ONE =
      List.of(
          "select id, {x} + 1 as x, g from ($r)",
          "select id, case when g > 3 then {x} when g = 1 then {x + 1} else x end as x, g from ($r)",
          "select id, coalesce(nullif(x, 4), {x + 1}) as x, g from ($r)",
          "select id, if(g < 2, {x}, {x} - {x + 3}) as x, g from ($r)",
          "select * from ($r) where {x} > 20 and id % 2 = 0",
          "select * from ($r) where g = 2 or {x} < 500",
          "select distinct id, {x} as x, g from ($r)",
          "select min(id) as id, max({x}) as x, g from ($r) group by g",
          "select max(id) as id, {max(x)} as x, g from ($r) group by g having {max(x)} > 10",
          "select id, max({x}) over (partition by g) as x, g from ($r)",
          "select * from ($r) order by {x}, id, g limit 17",
          "select id, {y} as x, g from ($r) lateral view explode(array(x, x + 1)) e as y",
          "select id, p.x, g from (select id, g, named_struct('x', {x}) as p from ($r)) where p.x >= 0");

  /** Relations over two relations. */
  private static final List<String> OVER_TWO =
      List.of(
          "select a.id, {a.x} + b.x as x, b.g from ($r) a join ($s) b on a.id = b.id",
          "select a.id, a.x, a.g from ($r) a join ($s) b on a.id = b.id and {b.x} > 30",
          "select a.id, a.x, a.g from ($r) a join ($s) b on a.id = b.id and {a.x + b.x} > 30",
          "select a.id, coalesce(b.x, 0) as x, a.g from ($r) a left join ($s) b on a.id = b.id and {b.x} > 9",
          "select * from ($r) where g in (select g from ($s) where {x} > 40)",
          "select * from ($r) where {x} > (select min({x}) from ($s))",
          "select * from ($r) a where not exists (select 1 from ($s) b where a.id = b.id and {b.x} > 60)",
          "select * from ($r) union all select id, {x}, g from ($s)",
          "select * from ($r) intersect select id, x, g from ($s)");

  private static final List<String> LEAVES =
      List.of(
          "select id, x, cast(id % 7 as int) as g from t where id < 200",
          "select id, cast(id % 50 as float) as x, cast(id % 5 as int) as g from range(0, 90, 1, 3)",
          "select id, {x} as x, cast(id % 7 as int) as g from t where part = 1");

  @BeforeEach
  void views() {
    TensorArrow.register(spark());
    spark().read().parquet(table).createOrReplaceTempView("t");
  }

  @AfterEach
  void resetSettings() {
    SETTINGS.forEach(settings -> settings.keySet().forEach(spark().conf()::unset));
  }

  static IntStream seeds() {
    return IntStream.range(0, QUERIES);
  }

  @ParameterizedTest
  @MethodSource("seeds")
  void randomQueryGivesTheRowsOfPlainSpark(int seed) {
    String query = relation(new Random(seed), DEPTH);
    SETTINGS.get(seed % SETTINGS.size()).forEach(spark().conf()::set);

    assertThat(rows(query, "tf_predict('" + model + "', cast($1 as float))"))
        .as(query)
        .isEqualTo(rows(query, "cast(2 * ($1) as float)"));
  }

  private static String relation(Random random, int depth) {
    if (depth == 0) {
      return one(random, LEAVES);
    }
    return random.nextInt(3) == 0
        ? one(random, OVER_TWO)
            .replace("$r", relation(random, depth - 1))
            .replace("$s", relation(random, depth - 2 < 0 ? 0 : depth - 2))
        : one(random, OVER_ONE).replace("$r", relation(random, depth - 1));
  }

  private static String one(Random random, List<String> texts) {
    return texts.get(random.nextInt(texts.size()));
  }

  private static List<String> rows(String query, String call) {
    String text = query;
    while (CALL.matcher(text).find()) {
      text = CALL.matcher(text).replaceAll(call);
    }
    return spark().sql(text).selectExpr("id", "cast(x as double)", "g").collectAsList().stream()
        .map(Object::toString)
        .sorted()
        .toList();
  }
}
