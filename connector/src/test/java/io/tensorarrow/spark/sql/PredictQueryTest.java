package io.tensorarrow.spark.sql;

import static org.assertj.core.api.Assertions.assertThat;

import io.tensorarrow.spark.TensorFlowDataSource;
import io.tensorarrow.spark.metrics.RowsInferredMetric;
import io.tensorarrow.spark.source.SourceTestBase;
import java.util.List;
import java.util.regex.Pattern;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Calls of models in queries of every shape give what the same query gives where the model's output
 * {@code 2 x} is computed by Spark, and run no row that the query does not need.
 */
class PredictQueryTest extends SourceTestBase {
  private static final Pattern CALL = Pattern.compile("\\{([^{}]*)\\}");

  @BeforeEach
  void views() {
    new TensorFlowDataSource();
    spark().read().parquet(table).createOrReplaceTempView("t");
    spark()
        .range(0, 20)
        .selectExpr("id as k", "cast(id * 10 as float) as w", "concat('n', id) as name")
        .createOrReplaceTempView("s");
  }

  /** Queries, with {argument} where the model is called, and the rows that it runs. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          select id, {x} y from t                                                       | 1000
          select * from (select *, {x} y from t) where id < 10                          |   10
          select id from (select *, {x} y from t)                                       |    0
          select count(*) from (select *, {x} y from t)                                 |    0
          select id, {x + 1} + {x} + {x} y from t                                       | 2000
          select id, {x} y from t where {x} > 1000                                      | 1000
          select id from t where {x} > 1000 and id > 700                                |  299
          select id from t where {x} > 1000 and {x + 1} > 1500                          | 1499
          select id, {{x}} y from t where id % 100 = 0                                  |   20
          select id, {x} y from t order by id limit 5                                   | 1000
          select sum({x}) from t                                                        | 1000
          select part, max({x}) from t group by part having max({x}) > 0                | 1000
          select part, {cast(avg(x) as float)} from t group by part                     |    4
          select part, {cast(sum(x) as float)} + max({x}) from t group by part          | 1004
          select part, {cast(part as float)} y, count(*) from t group by part           |    4
          select distinct {cast(part as float)} from t                                  | 1000
          select {x}, count(*) from t group by {x}                                      | 1000
          select {cast(part as float)} p, part, count(*) from t group by rollup ({cast(part as float)}, part) | 1000
          select id, rank() over (partition by part order by {x} desc) r from t         | 1000
          select id, {cast(rank() over (partition by part order by x desc) as float)} r from t | 1000
          select t.id, {x + w} y from t join s on t.id = s.k                            |   20
          select t.id, s.k from t join s on {x} = w                                     | 1000
          select t.id, s.k from t left join s on {x} = w                                | 1000
          select t.id, s.k from t left join s on t.id = s.k and {w} > 100               |   20
          select t.id, s.k from t right join s on {x} = {w}                             | 1020
          select t.id, s.k from t join s on t.part = s.k and {x + w} > 1000             | 1000
          select t.id from t left semi join s on {x} = w                                | 1000
          select t.id from t left anti join s on {x} = w                                | 1000
          select id from t where {x} in (select w from s)                               | 1000
          select id from t where exists (select 1 from s where w = {x})                 | 1000
          select id, (select max(w) from s where s.k = t.part and {w} > 0) m from t     |   20
          select id from t where {x} > (select avg({w}) from s)                         | 1020
          select id, e from t lateral view explode(array({x}, x)) as e                  | 1000
          with c as (select id, {x} y from t) select a.id, b.y from c a join c b on a.id = b.id and a.id < 5 |    5
          select {x} y from t union all select {w} y from s                             | 1020
          select {x} y from t intersect select {w} y from s                             | 1020
          select id, case when id < 10 then {x} when id < 30 then {x + 1} else 0 end y from t | 30
          select id, if(id < 10, {x}, {x + 1}) y from t                                 | 1000
          select id, coalesce(cast(null as float), if(id > 10, x, null), {x}) y from t  |   11
          select id from t where id < 10 or {x} > 1900                                  |  990
          select id, case when {x} > 1900 then {x + 1} end y from t                     | 1049
          select id, case when id < 10 then {x} > 8 and {x + 1} > 9 end a, case when id > 5 and id < 20 then {x + 1} > 8 and {x} > 9 end b from t | 40
          select id, case when id < 10 and {x} > 8 then {x} end y from t                | 10
          select id, if(name is null, 0, {x}) y from t                                  |  900
          select id, y from (select id, {x} y from t) order by y desc limit 3           | 1000
          select /*+ repartition(3) */ id, {x} y from t                                 | 1000
          select id from t order by {x} desc, id limit 7                                | 1000
          select s.name, {x} y from t join s on t.name = s.name where {x} > 4           |  900
          """)
  void queriesGiveWhatSparkGivesWithoutModel(String query, long rows) {
    for (boolean adaptive : List.of(true, false)) {
      spark().conf().set("spark.sql.adaptive.enabled", adaptive);
      try {
        Dataset<Row> predicted = spark().sql(replaced(query, "tf_predict('" + model + "', $1)"));
        Dataset<Row> expected = spark().sql(replaced(query, "cast(($1) * 2 as float)"));

        assertThat(sorted(predicted)).isEqualTo(sorted(expected));
        assertThat(metric(predicted, RowsInferredMetric.NAME))
            .as(() -> predicted.queryExecution().toString())
            .isEqualTo(rows);
      } finally {
        spark().conf().unset("spark.sql.adaptive.enabled");
      }
    }
  }

  private static List<String> sorted(Dataset<Row> query) {
    return query.collectAsList().stream().map(Row::toString).sorted().toList();
  }

  private static String replaced(String query, String call) {
    String text = query;
    while (CALL.matcher(text).find()) {
      text = CALL.matcher(text).replaceAll(call);
    }
    return text;
  }
}
