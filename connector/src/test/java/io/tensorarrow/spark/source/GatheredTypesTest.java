package io.tensorarrow.spark.source;

import static org.assertj.core.api.Assertions.assertThat;

import io.tensorarrow.spark.metrics.ModelBatchesMetric;
import io.tensorarrow.spark.testing.TestModels;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Values of every type, and nulls, are the same after they waited for others. */
class GatheredTypesTest extends ReaderTypesTestBase {
  private static final List<String> VALUES =
      List.of(
          "id % 2 = 0",
          "cast(id as tinyint)",
          "cast(id * 100 as smallint)",
          "cast(id * 10000000 as int)",
          "id * 10000000000",
          "cast(id / 3 as float)",
          "id / 7",
          "concat('ä', repeat('x', int(id % 30)))",
          "cast(string(id) as binary)",
          "cast(id / 3 as decimal(9, 4))",
          "cast(id * 1000000000000000 as decimal(38, 18))",
          "date_add(date '1970-01-01', int(id * 100))",
          "timestamp_seconds(id * 1000000)",
          "cast(timestamp_seconds(id * 1000000) as timestamp_ntz)",
          "make_ym_interval(0, int(id))",
          "make_dt_interval(0, 0, 0, id)",
          "array(id, null, id + 1)",
          "array(id, id + 1)",
          "slice(array(1f, 2f, 3f, 4f), 1, int(id % 5))",
          "array(true, null, id % 2 = 0)",
          "array(string(id), null, '')",
          "array(array(id / 3), array(), null, array(null, 1D))",
          "array(cast(id as decimal(20, 3)), null)",
          "map(string(id), array(id, null), '', null)",
          "named_struct('a', id, 'b', named_struct('c', string(id), 'd', array(id, null)))",
          "named_struct('a', if(id % 2 = 0, null, id), 'b', if(id % 3 = 0, null, map(id, 1)))",
          "array(named_struct('a', id, 'b', named_struct('c', array(id))), null)");

  @ParameterizedTest
  @EnumSource(ReaderKind.class)
  void everyTypeSurvives(ReaderKind kind) {
    String[] columns = new String[2 * VALUES.size() + 2];
    for (int i = 0; i < VALUES.size(); i++) {
      columns[2 * i] = VALUES.get(i) + " as v" + i;
      columns[2 * i + 1] = "if(id % 3 = 1, null, " + VALUES.get(i) + ") as n" + i;
    }
    columns[2 * VALUES.size()] = "id as key";
    columns[2 * VALUES.size() + 1] = "cast(id as float) as x";
    String path = write(kind, spark().range(0, 300).selectExpr(columns));
    String few = "key % 7 = 3 and key <> 10 or key > 290";
    List<String> expected =
        spark()
            .read()
            .format(kind.format())
            .load(path)
            .where(few)
            .selectExpr("*", "float(x * 2) as y")
            .toJSON()
            .collectAsList();
    Dataset<Row> scored =
        reader(kind, Map.of())
            .option("model", TestModels.scale(dir).toString())
            .load(path)
            .where(few);

    assertThat(kind.run(() -> scored.toJSON().collectAsList()))
        .hasSize(50)
        .containsExactlyInAnyOrderElementsOf(expected);
    kind.run(scored::collectAsList);
    assertThat(metric(scored, ModelBatchesMetric.NAME)).isEqualTo(1);
  }
}
