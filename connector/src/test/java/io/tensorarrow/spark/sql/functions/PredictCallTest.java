package io.tensorarrow.spark.sql.functions;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.tensorarrow.spark.TensorArrow;
import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.metrics.RowsInferredMetric;
import io.tensorarrow.spark.source.SourceTestBase;
import io.tensorarrow.spark.testing.OddModels;
import io.tensorarrow.spark.testing.TestModels;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.AnalysisException;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.StructType;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Forms of calls, what is refused at analysis, and how sessions get the functions. */
class PredictCallTest extends SourceTestBase {
  @BeforeEach
  void register() {
    TensorArrow.register(spark());
    spark().read().parquet(table).createOrReplaceTempView("t");
  }

  private Dataset<Row> sql(String query) {
    return spark()
        .sql(query.replace("$two", path(TestModels.twoSignatures(dir))).replace("$m", model));
  }

  private static String path(java.nio.file.Path path) {
    return path.toString();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "tf_predict('$m', x)",
        "TF_PREDICT('$m', x => x)",
        "tf_predict('$m', X => t.x)",
        "tf_predict('$m', struct(*))",
        "tf_predict('$m', struct(id, x))",
        "tf_predict('$m', named_struct('x', x))",
        "tf_predict('$m', struct(id, x as v), options => map('inputs', 'x=v'))",
        "tf_predict('$m', struct(id, x as v), inputs => 'x=v', batchRows => 7)",
        "tf_predict('$m', struct(x), BATCHROWS => '7')",
        "tf_predict(concat('$m', ''), x)",
        "tf_predict(nvl(null, '$m'), x)",
        "tf_predict('$two', x, signature => 'double')",
        "tf_predict('$two', x, SIGNATURE => 'double')",
        "tf_predict('$two', x, options => map('signature', 'double'))",
        "tf_predict_struct('$m', struct(x as v), inputs => 'x=v').y",
      })
  void argumentsAreGivenByPositionByNameOrAsStruct(String call) {
    Dataset<Row> query = sql("select id, x, " + call + " as y from t where id < 50");

    List<Row> rows = query.collectAsList();

    assertThat(rows).hasSize(50).allMatch(row -> row.getFloat(2) == 2 * row.getFloat(1));
    assertThat(query.schema().apply("y").metadata().getString("tensor.dtype")).isEqualTo("float32");
  }

  @Test
  void outputsOfOneCallAreAStructOfWhichUsedFieldsAreComputed() {
    String many = path(TestModels.manyOutputs(dir, 3));
    Dataset<Row> query =
        spark().sql("select p.y1, p.y2 from (select tf_predict('%s', x) p from t)".formatted(many));

    assertThat(query.collectAsList()).hasSize(ROWS);
    assertThat(query.queryExecution().executedPlan().toString())
        .contains("fetches=[y1#")
        .doesNotContain("y0");
    assertThat(
            spark()
                .sql(
                    "select p.* from (select tf_predict('%s', 1f) p from range(1))".formatted(many))
                .head()
                .toString())
        .isEqualTo("[2.0,2.0,2.0]");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          tf_predict('nowhere', x)                              | TA_MODEL_NOT_FOUND     | nowhere
          tf_predict('$m')                                      | TA_INPUT_MISMATCH      | missing: {'x'
          tf_predict()                                          | TA_OPTION_MISSING      | no argument for the model
          tf_predict('$m', x, id)                               | TA_INPUT_MISMATCH      | found 2 arguments
          tf_predict('$m', y => x)                              | TA_INPUT_MISMATCH      | argument 'y'
          tf_predict('$m', x, x => x)                           | TA_INPUT_MISMATCH      | ambiguous
          tf_predict('$m', name)                                | TA_INPUT_TYPE          | string
          tf_predict('$m', xs)                                  | TA_INPUT_TYPE          | array
          tf_predict('$m', struct(id))                          | TA_INPUT_MISMATCH      | no column 'x'
          tf_predict('$m', x, signature => 'other')             | TA_SIGNATURE_NOT_FOUND | other
          tf_predict('$m', x, batchRows => 0)                   | TA_OPTION_INVALID      | '0'
          tf_predict('$m', x, batchRow => 1)                    | TA_INPUT_MISMATCH      | argument 'batchRow'
          tf_predict('$m', x, options => map('batchRow', '1'))  | TA_OPTION_UNKNOWN      | batchRows
          tf_predict('$m', x, options => map('source', 'csv'))  | TA_UNSUPPORTED         | option 'source'
          tf_predict('$m', x, options => map('model', 'm'))     | TA_UNSUPPORTED         | the model twice
          tf_predict('$m', x, options => map('batchRows', 1))   | TA_OPTION_INVALID      | map<string,int>
          tf_predict('$m', x, options => 'batchRows=1')         | TA_OPTION_INVALID      | type string
          tf_predict('$m', x, batchRows => id)                  | TA_OPTION_INVALID      | which is no constant
          tf_predict('$m', x, batchRows => null)                | TA_OPTION_INVALID      | found NULL
          tf_predict(name, x)                                   | TA_OPTION_INVALID      | which is no constant
          tf_predict(null, x)                                   | TA_OPTION_INVALID      | found NULL
          tf_predict(cast(null as string), x)                   | TA_OPTION_INVALID      | found NULL
          tf_predict_struct('$m', struct(x, id as Y))           | TA_COLUMN_CLASH        | column 'Y'
          """)
  void whatDoesNotFitIsAnErrorOfTheAnalysisWithItsPosition(
      String call, ErrorCode code, String text) {
    assertThatExceptionOfType(AnalysisException.class)
        .isThrownBy(() -> sql("select id,\n " + call + " from t"))
        .withMessageStartingWith("[" + code + "] Cannot ")
        .withMessageContaining(text)
        .withMessageContaining("expected ")
        .withMessageContaining("line 2 pos 1");
  }

  @Test
  void namesThatDifferInCaseAreOneWhereTheSessionSaysSo() {
    spark().conf().set("spark.sql.caseSensitive", true);
    try {
      assertThatExceptionOfType(AnalysisException.class)
          .isThrownBy(() -> sql("select tf_predict('$m', struct(x as X)) from t"))
          .withMessageContaining("TA_INPUT_MISMATCH");
      assertThat(sql("select tf_predict_struct('$m', struct(x, id as Y)).y from t").count())
          .isEqualTo(ROWS);
    } finally {
      spark().conf().unset("spark.sql.caseSensitive");
    }
  }

  @Test
  void sessionSettingsAreDefaultsOfOptions() {
    spark().conf().set("spark.datasource.tensorflow.batchRows", 300);
    try {
      Dataset<Row> query = sql("select tf_predict('$m', x) from t");

      assertThat(query.queryExecution().executedPlan().toString()).contains("batchRows=300");
      assertThat(
              sql("select tf_predict('$m', x, batchRows => 20) from t")
                  .queryExecution()
                  .executedPlan()
                  .toString())
          .contains("batchRows=20");
    } finally {
      spark().conf().unset("spark.datasource.tensorflow.batchRows");
    }
  }

  @Test
  void datasetsGetTheOutputsBehindTheirColumns() {
    Dataset<Row> scored = TensorArrow.predict(spark().table("t"), model, Map.of());

    assertThat(scored.columns()).containsExactly("id", "x", "name", "s", "xs", "part", "y");
    assertThat(scored.schema().apply("y").nullable()).isFalse();
    assertThat(scored.where("id < 10").collectAsList())
        .containsExactlyInAnyOrderElementsOf(
            spark()
                .table("t")
                .selectExpr("*", "cast(x * 2 as float) as y")
                .where("id < 10")
                .collectAsList());
    assertThatExceptionOfType(TensorArrowException.class)
        .isThrownBy(() -> TensorArrow.predict(scored, model, Map.of()))
        .withMessageStartingWith("[TA_COLUMN_CLASH] Cannot add column 'y'");
    assertThatExceptionOfType(TensorArrowException.class)
        .isThrownBy(() -> TensorArrow.predict(scored.selectExpr("x", "id as x"), model, Map.of()))
        .withMessageContaining("two columns of that name");
  }

  @Test
  void emptyDatasetsAndDatasetsWithoutPartitionsGiveNoRows() {
    StructType schema = new StructType().add("x", "float");
    Dataset<Row> none = spark().createDataFrame(List.of(), schema);
    Dataset<Row> noPartition =
        spark()
            .createDataFrame(
                spark()
                    .sparkContext()
                    .<Row>emptyRDD(scala.reflect.ClassTag$.MODULE$.apply(Row.class)),
                schema);

    for (Dataset<Row> empty : List.of(none, noPartition, none.repartition(3))) {
      assertThat(TensorArrow.predict(empty, model, Map.of()).collectAsList()).isEmpty();
    }
  }

  @Test
  void nullInputNamesColumnPartitionAndRow() {
    assertThatExceptionOfType(Exception.class)
        .isThrownBy(
            () ->
                sql("select tf_predict('$m', if(id = 17, null, x)) from t where id < 100")
                    .coalesce(1)
                    .collectAsList())
        .withStackTraceContaining("[TA_NULL_INPUT] Cannot feed column 'x'")
        .withStackTraceContaining("in row ")
        .withStackTraceContaining("of those that reach the model's operator in partition 0");
  }

  @Test
  void modelThatDrawsRandomNumbersIsNotDeterministic() {
    String random = path(OddModels.random(dir));
    Dataset<Row> query =
        spark()
            .sql(
                "select y, y - y as d from (select tf_predict('%s', x) y from t)"
                    .formatted(random));

    assertThat(query.queryExecution().optimizedPlan().toString()).containsOnlyOnce("Inference");
    assertThat(query.collectAsList()).hasSize(ROWS).allMatch(row -> row.getFloat(1) == 0);
    assertThatExceptionOfType(AnalysisException.class)
        .isThrownBy(
            () ->
                spark()
                    .sql(
                        "select t.id from t join t u on tf_predict('%s', t.x) > 1"
                            .formatted(random)))
        .withMessageContaining("INVALID_NON_DETERMINISTIC_EXPRESSIONS");
  }

  @Test
  void permanentViewsHoldCalls() {
    spark().sql("create database if not exists views");
    try {
      spark().sql("create table views.plain using parquet as select id, x from t");
      sql("create view views.scored as select id, tf_predict('$m', x) as y from views.plain");

      Dataset<Row> query = spark().sql("select y from views.scored where id < 3");

      assertThat(query.collectAsList()).hasSize(3);
      assertThat(metric(query, RowsInferredMetric.NAME)).isEqualTo(3);
    } finally {
      spark().sql("drop database views cascade");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"tf_predict", "tf_predict_struct"})
  void functionsAreDescribed(String name) {
    String text = spark().sql("describe function extended " + name).collectAsList().toString();

    assertThat(text).contains("Function: " + name, "Usage:", "Arguments:", "Examples:");
  }

  @Test
  void newSessionsHaveFunctionsAndRules() {
    SparkSession session = spark().newSession();
    session.read().parquet(table).createOrReplaceTempView("u");

    Dataset<Row> query =
        session.sql("select tf_predict('%s', x) y from u where id = 4".formatted(model));

    assertThat(query.head().getFloat(0)).isEqualTo(8f);
  }

  @Test
  void filterOfPartitionColumnsAloneIsEvaluatedByTheModel() {
    Dataset<Row> query =
        sql("select id from t where tf_predict('$m', cast(part as float)) > 2 and part > 0");

    assertThat(query.collectAsList()).hasSize(500);
    assertThat(metric(query, RowsInferredMetric.NAME)).isEqualTo(750);
  }

  /** Such a source evaluates the filter to find its files. */
  @Test
  void filterOfPartitionColumnsAloneIsRefusedOverFileSourcesOfVersionTwo() {
    spark().conf().set("spark.sql.sources.useV1SourceList", "");
    try {
      spark().read().parquet(table).createOrReplaceTempView("t");

      assertThatExceptionOfType(TensorArrowException.class)
          .isThrownBy(
              () ->
                  sql("select id from t where tf_predict('$m', cast(part as float)) > 2")
                      .collectAsList())
          .withMessageStartingWith("[TA_UNSUPPORTED] Cannot run tf_predict('scale', ")
          .withMessageContaining("spark.sql.sources.useV1SourceList");
      assertThat(sql("select id from t where tf_predict('$m', x + part) > 2").count()).isPositive();
    } finally {
      spark().conf().unset("spark.sql.sources.useV1SourceList");
    }
  }

  @Test
  void callsAreNotEvaluatedOnTheDriver() {
    Dataset<Row> constant = sql("select tf_predict('$m', 3f) y from values (1), (2) as v(a)");

    assertThat(constant.queryExecution().optimizedPlan().toString()).contains("Inference");
    assertThat(constant.collectAsList()).extracting(row -> row.getFloat(0)).containsExactly(6f, 6f);
  }

  @Test
  void codegenMayBeOff() {
    spark().conf().set("spark.sql.codegen.wholeStage", false);
    spark().conf().set("spark.sql.codegen.factoryMode", "NO_CODEGEN");
    try {
      assertThat(
              sql("select sum(tf_predict('$m', x + 1)) from t where id < 10").head().getDouble(0))
          .isEqualTo(110);
    } finally {
      spark().conf().unset("spark.sql.codegen.wholeStage");
      spark().conf().unset("spark.sql.codegen.factoryMode");
    }
  }

  @Test
  void cachedAndCheckpointedPlansKeepTheirRows() {
    Dataset<Row> scored =
        TensorArrow.predict(spark().table("t"), model, Map.of()).select("id", "y");
    Dataset<Row> cached = scored.cache();
    try {
      assertThat(cached.where("y > 1000").count()).isEqualTo(499);
      assertThat(
              TensorArrow.predict(cached.toDF("id", "x"), model, Map.of()).where("y = 40").count())
          .isEqualTo(1);
    } finally {
      cached.unpersist(true);
    }
    assertThat(scored.localCheckpoint().where("y > 1000").count()).isEqualTo(499);
  }
}
