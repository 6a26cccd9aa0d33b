package io.tensorarrow.spark.sql.functions;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tensorarrow.spark.TensorArrow;
import io.tensorarrow.spark.TensorFlowDataSource;
import io.tensorarrow.spark.metrics.RowsInferredMetric;
import io.tensorarrow.spark.source.SourceTestBase;
import io.tensorarrow.spark.testing.TestModels;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.apache.spark.sql.AnalysisException;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Models as tables of SQL: their signatures, their variables, and rows with their outputs. */
class TableFunctionsTest extends SourceTestBase {
  @TempDir Path models;
  private String function = "";

  @BeforeEach
  void sessionAndViews() {
    new TensorFlowDataSource();
    function = TestModels.function(models).toString();
    spark().read().parquet(table).createOrReplaceTempView("t");
  }

  private Dataset<Row> sql(String query) {
    return spark().sql(query.replace("MODEL", model).replace("FUNCTION", function));
  }

  private static List<String> rows(Dataset<Row> query) {
    return query.collectAsList().stream()
        .map(
            row ->
                row.toSeq().mkString(",").contains("[B@")
                    ? row.getString(0) + Arrays.toString(row.<byte[]>getAs("tensor"))
                    : row.toString())
        .sorted()
        .toList();
  }

  private static String text(Dataset<Row> query) {
    return query.collectAsList().stream()
        .map(row -> row.getString(0))
        .collect(Collectors.joining("\n"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "tf_signatures('MODEL')",
        "TF_Signatures('MODEL', TAGS => 'serve')",
        "tf_signatures('MODEL', version => 'latest', allowOps => '')",
        "tf_signatures('MODEL', options => map('Tags', 'serve', 'fs.any.key', 'secret'))",
        "tf_signatures(concat('MODEL', ''), options => map('tags', 'no'), tags => 'serve')"
      })
  void signaturesAreWhatTheSourceInspects(String call) {
    Dataset<Row> expected = reader().option("inspect", "true").load();
    Dataset<Row> signatures = sql("select * from " + call);

    assertThat(signatures.schema()).isEqualTo(expected.schema());
    assertThat(rows(signatures)).isEqualTo(rows(expected)).hasSize(2);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"tf_variables('FUNCTION')", "TF_VARIABLES('FUNCTION', VERSION => 'latest')"})
  void variablesAreWhatTheSourceReads(String call) {
    Dataset<Row> expected =
        spark()
            .read()
            .format("tensorflow")
            .option("model", function)
            .option("variables", "true")
            .load();
    Dataset<Row> variables = sql("select * from " + call);

    assertThat(variables.schema()).isEqualTo(expected.schema());
    assertThat(rows(variables)).isEqualTo(rows(expected)).hasSize(1);
  }

  @Test
  void tablesOfModelsJoinWithThemselves() {
    assertThat(
            sql("select a.tensor, b.tensor from tf_signatures('MODEL') a join"
                    + " tf_signatures('MODEL') b on a.dtype = b.dtype and a.direction <"
                    + " b.direction")
                .collectAsList())
        .extracting(Row::toString)
        .containsExactly("[x,y]");
    assertThat(
            sql("select s.direction, n from tf_signatures('MODEL') as s(a, b, direction, d, e, f,"
                    + " g, h) join (select count(*) n from tf_variables('FUNCTION'))")
                .collectAsList())
        .extracting(Row::toString)
        .containsExactlyInAnyOrder("[input,1]", "[output,1]");
  }

  @Test
  void sessionSettingsAreDefaults() {
    spark().conf().set("spark.datasource.tensorflow.tags", "none");
    spark().conf().set("spark.datasource.tensorflow.inspect", "false");
    spark().conf().set("spark.datasource.tensorflow.model", "nowhere");
    try {
      assertThatThrownBy(() -> sql("select * from tf_signatures('MODEL')"))
          .isInstanceOf(AnalysisException.class)
          .hasMessageContaining("[TA_TAGS_NOT_FOUND]");
      assertThat(sql("select * from tf_signatures('MODEL', tags => 'serve')").count()).isEqualTo(2);
    } finally {
      spark().conf().unset("spark.datasource.tensorflow.tags");
      spark().conf().unset("spark.datasource.tensorflow.inspect");
      spark().conf().unset("spark.datasource.tensorflow.model");
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "tf_predict_table('MODEL', TABLE(t))",
        "TF_PREDICT_TABLE('MODEL', table(select * from T))",
        "tf_predict_table('MODEL', TABLE(select * from t order by id desc), batchROWS => 7)",
        "tf_predict_table('MODEL', TABLE(t), options => map('outputs', 'y'))",
        "tf_predict_table('MODEL', TABLE(t), Inputs => 'x=x', outputs => 'Y=y')"
      })
  void rowsAreThoseOfTheTableWithOutputsBehind(String call) {
    Dataset<Row> predicted = sql("select * from " + call);

    assertThat(predicted.schema())
        .isEqualTo(TensorArrow.predict(spark().table("t"), model, Map.of()).schema());
    assertThat(rows(predicted)).isEqualTo(rows(expected()));
  }

  @Test
  void onlyTheRowsThatAQueryNeedsRun() {
    Dataset<Row> few = sql("select y from tf_predict_table('MODEL', TABLE(t)) p where p.id < 10");

    assertThat(few.collectAsList()).hasSize(10);
    assertThat(metric(few, RowsInferredMetric.NAME)).isEqualTo(10);
  }

  @Test
  void tablesWithOutputsJoinAndNest() {
    String predicted = "tf_predict_table('MODEL', TABLE(t))";
    assertThat(
            sql("select a.id, a.y, b.y from "
                    + predicted
                    + " a join "
                    + predicted
                    + " b on a.id + 1 = b.id where a.id < 2")
                .collectAsList())
        .extracting(Row::toString)
        .containsExactlyInAnyOrder("[0,0.0,2.0]", "[1,2.0,4.0]");
    assertThat(
            sql("with c as (select id, x from t where id = 3) select * from"
                    + " tf_predict_table('MODEL', TABLE(select id, y as x from"
                    + " tf_predict_table('MODEL', TABLE(c))))")
                .collectAsList())
        .extracting(Row::toString)
        .containsExactly("[3,6.0,12.0]");
  }

  @Test
  void permanentViewsHoldTheFunctions() {
    sql("create table saved using parquet as select id, x from t where id < 3");
    try {
      sql("create view tensors as select tensor from tf_signatures('MODEL')");
      sql("create view weights as select name from tf_variables('FUNCTION')");
      sql("create view scored as select * from tf_predict_table('MODEL', TABLE(saved))");
      SparkSession other = spark().newSession();

      assertThat(rows(other.table("tensors"))).containsExactly("[x]", "[y]");
      assertThat(rows(other.table("weights"))).containsExactly("[weight]");
      assertThat(rows(other.table("scored")))
          .containsExactly("[0,0.0,0.0]", "[1,1.0,2.0]", "[2,2.0,4.0]");
    } finally {
      List.of("tensors", "weights", "scored").forEach(v -> sql("drop view if exists " + v));
      sql("drop table saved");
    }
  }

  @ParameterizedTest
  @CsvSource({
    "tf_signatures, Returns one row for each tag set",
    "TF_VARIABLES, Returns one row for each variable",
    "tf_predict_table, Runs a TensorFlow SavedModel over the rows of a table"
  })
  void functionsDescribeThemselves(String name, String usage) {
    assertThat(text(spark().sql("describe function extended " + name)))
        .contains(usage)
        .contains("Arguments:")
        .contains("Examples:\n      > SELECT ")
        .doesNotContain("_FUNC_");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      textBlock =
          """
          tf_signatures()                              | TA_OPTION_MISSING  | tf_signatures('models/digits', ...)
          tf_signatures(null)                          | TA_OPTION_INVALID  | NULL
          tf_signatures(cast(rand() as string))        | TA_OPTION_INVALID  | no constant
          tf_signatures('MODEL', '3')                  | TA_INPUT_MISMATCH  | version => '3'
          tf_signatures('MODEL', tag => 'serve')       | TA_OPTION_UNKNOWN  | did you mean 'tags'
          tf_signatures('MODEL', tags => 'none')       | TA_TAGS_NOT_FOUND  | serve
          tf_signatures('MODEL', tags => 'a', TAGS => 'b') | TA_INPUT_MISMATCH | twice
          tf_signatures('MODEL', batchRows => 2)       | TA_UNSUPPORTED     | version, tags, allowOps, or fs.<option>
          tf_signatures('MODEL', model => 'MODEL')     | TA_UNSUPPORTED     | the model twice
          tf_signatures('MODEL', options => map('tags', 1)) | TA_OPTION_INVALID | a map of texts
          tf_signatures('MODEL/none')                  | TA_MODEL_NOT_FOUND | none
          tf_variables('MODEL', tags => 'serve')       | TA_UNSUPPORTED     | version, or fs.<option>
          tf_variables('MODEL', variables => 'true')   | TA_UNSUPPORTED     | option 'variables'
          tf_predict_table('MODEL')                    | TA_INPUT_MISMATCH  | TABLE(images)
          tf_predict_table(TABLE(t))                   | TA_OPTION_INVALID  | no constant
          tf_predict_table('MODEL', 't')               | TA_INPUT_MISMATCH  | a value of type string
          tf_predict_table('MODEL', TABLE(t), 4)       | TA_INPUT_MISMATCH  | 2 arguments
          tf_predict_table('MODEL', TABLE(t), path => 'd') | TA_UNSUPPORTED | the rows are those of the query
          tf_predict_table('MODEL', TABLE(select id from t)) | TA_INPUT_MISMATCH | no column 'x'
          tf_predict_table('MODEL', TABLE(select x, 1 y from t)) | TA_COLUMN_CLASH | 'y'
          """)
  void callsThatDoNotFitAreErrorsOfTheAnalysis(String call, String code, String found) {
    assertThatThrownBy(() -> sql("select * from " + call))
        .isInstanceOf(AnalysisException.class)
        .hasMessageContaining("[" + code + "]")
        .hasMessageContaining(found);
  }

  /** Spark 3.5 has no such clause in its grammar. */
  @ParameterizedTest
  @ValueSource(strings = {"partition by part", "order by id", "with single partition"})
  void tablesAreNotPartitionedOrSorted(String clause) {
    assertThatThrownBy(
            () -> sql("select * from tf_predict_table('MODEL', TABLE(t) " + clause + ")"))
        .isInstanceOf(AnalysisException.class);
  }

  /** Spark looks for columns of the query around a table function only in its plain arguments. */
  @Test
  void tablesOfTheRowAroundAreRefused() {
    assertThatThrownBy(
            () ->
                sql(
                    "select * from t, lateral tf_predict_table('MODEL', TABLE(select t.x + 1 as"
                        + " x))"))
        .isInstanceOf(AnalysisException.class)
        .hasMessageContaining("UNRESOLVED_COLUMN");
  }
}
