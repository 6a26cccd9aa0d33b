package io.tensorarrow.spark.sql.functions;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tensorarrow.spark.TensorFlowDataSource;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.metrics.RowsInferredMetric;
import io.tensorarrow.spark.tensor.DType;
import io.tensorarrow.spark.tensor.fetch.TensorMetadata;
import io.tensorarrow.spark.testing.SparkTestBase;
import io.tensorarrow.spark.testing.TestModels;
import java.nio.file.Path;
import java.util.List;
import org.apache.spark.sql.AnalysisException;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.functions;
import org.apache.spark.sql.types.MetadataBuilder;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Shapes, elements and nested arrays of tensor columns. */
class TensorFunctionsTest extends SparkTestBase {
  @TempDir Path dir;
  private String model = "";

  @BeforeEach
  void views() {
    new TensorFlowDataSource();
    model = TestModels.kinds(dir).toString();
    spark()
        .sql(
            "select id, cast(id as float) v, array(0f, 1f, 2f, cast(id as float)) f, 0.5d d,"
                + " array(0, 1, 2, 3, 4, cast(id as int)) i, id l from range(0, 3, 1, 1)")
        .createOrReplaceTempView("fed");
    spark()
        .sql("select * from tf_predict_table('" + model + "', TABLE(fed))")
        .createOrReplaceTempView("scored");
    spark()
        .sql(
            "select 0 id, array(0, 1, 2, 3, 4, 5, 6, 7) cube, array(0, 1, 2, 3, 4, 5) open_rows,"
                + " array('a', 'b', 'c', 'd') texts, unhex('00ff7f80') bytes, true flag,"
                + " array(named_struct('re', 1f, 'im', 2f), named_struct('re', 3f, 'im', 4f))"
                + " waves, array() none, named_struct('data', array(1d, 2d), 'shape', array(2, 1,"
                + " 1)) grid, array(1, 2, 3) torn, named_struct('re', 1d, 'im', 2d) wave")
        .select(
            functions.col("id"),
            tensor("cube", DType.INT32, 2, 2, 2),
            tensor("open_rows", DType.INT32, -1, 3),
            tensor("texts", DType.STRING, 2, -1),
            tensor("bytes", DType.UINT8, 2, 2),
            tensor("flag", DType.BOOL),
            tensor("waves", DType.COMPLEX64, 1, 2),
            tensor("none", DType.INT32, -1, 0),
            tensor("grid", DType.FLOAT64, -1, -1, 1),
            tensor("torn", DType.INT32, 2, 2),
            tensor("wave", DType.COMPLEX128),
            functions.col("cube").as("untold"))
        .createOrReplaceTempView("made");
  }

  private static Column tensor(String column, DType dtype, long... rowDims) {
    return functions
        .col(column)
        .as(column, new TensorMetadata(dtype, rowDims).writeTo(new MetadataBuilder()).build());
  }

  /** With generated code and without. */
  private static List<String> evaluated(String query) {
    List<String> compiled = evaluated(query, "CODEGEN_ONLY");
    assertThat(evaluated(query, "NO_CODEGEN")).isEqualTo(compiled);
    return compiled;
  }

  private static List<String> evaluated(String query, String mode) {
    spark().conf().set("spark.sql.codegen.factoryMode", mode);
    spark().conf().set("spark.sql.codegen.wholeStage", mode.equals("CODEGEN_ONLY"));
    try {
      return spark().sql(query).toJSON().collectAsList();
    } finally {
      spark().conf().unset("spark.sql.codegen.factoryMode");
      spark().conf().unset("spark.sql.codegen.wholeStage");
    }
  }

  private static String value(String expression, String view) {
    String json = evaluated("select " + expression + " v from " + view + " where id = 0").get(0);
    return json.substring(1, json.length() - 1).replace("\"v\":", "");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          tensor_shape(f_square)                       | [2,2]
          TENSOR_SHAPE(F_OPEN)                         | [4]
          tensor_shape(f_grid)                         | [2,2]
          tensor_shape(d_half)                         | []
          tensor_shape(i_next)                         | [2,3]
          tensor_shape(struct(i_next as x).x)          | [2,3]
          tensor_at(i_next, 0, 0)                      | 1
          tensor_at(i_next, 1, 1)                      | 5
          Tensor_At(I_Next, -2, -1)                    | 3
          tensor_at(i_next, id, id + 1)                | 2
          tensor_at(i_next, cast(id as tinyint), l - 1) | 3
          tensor_at(i_next, 0, null)                   |
          tensor_at(f_grid, 1, -2)                     | 2.0
          tensor_at(f_open, -2)                        | 2.0
          tensor_at(d_half)                            | 0.25
          tensor_nested(i_next)                        | [[1,2,3],[4,5,1]]
          tensor_nested(f_grid)                        | [[0.0,1.0],[2.0,0.0]]
          tensor_nested(f_open)                        | [0.0,1.0,2.0,0.0]
          tensor_nested(d_half)                        | 0.25
          tensor_nested(i_next)[1][0]                  | 4
          """)
  void outputsOfModels(String expression, String expected) {
    assertThat(value(expression, "scored")).isEqualTo(expected == null ? "" : expected);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          tensor_shape(cube)          | [2,2,2]
          tensor_shape(open_rows)     | [2,3]
          tensor_shape(texts)         | [2,2]
          tensor_shape(bytes)         | [2,2]
          tensor_shape(none)          | [0,0]
          tensor_shape(grid)          | [2,1,1]
          tensor_shape(wave)          | []
          tensor_at(cube, 1, 0, 1)    | 5
          tensor_at(open_rows, -1, 0) | 3
          tensor_at(texts, 1, 0)      | c
          tensor_at(bytes, 0, 1)      | 255
          tensor_at(bytes, -1, -1)    | 128
          tensor_at(flag)             | true
          tensor_at(waves, 0, 1).im   | 4.0
          tensor_at(grid, 1, 0, 0)    | 2.0
          tensor_at(wave).im          | 2.0
          tensor_nested(cube)         | [[[0,1],[2,3]],[[4,5],[6,7]]]
          tensor_nested(open_rows)    | [[0,1,2],[3,4,5]]
          tensor_nested(texts)        | [[a,b],[c,d]]
          tensor_nested(bytes)        | [[0,255],[127,128]]
          tensor_nested(waves)        | [[{re:1.0,im:2.0},{re:3.0,im:4.0}]]
          tensor_nested(none)         | []
          tensor_nested(grid)         | [[[1.0]],[[2.0]]]
          """)
  void tensorsOfEveryForm(String expression, String expected) {
    assertThat(value(expression, "made").replace("\"", "")).isEqualTo(expected);
  }

  @Test
  void typesSayThatElementsAreNeverNull() {
    assertThat(
            spark()
                .sql(
                    "select tensor_shape(f_open) a, tensor_nested(i_next) b, tensor_at(l_single,"
                        + " 0) c, tensor_shape(f_square) d from scored")
                .schema()
                .treeString())
        .containsSubsequence(
            "a: array (nullable = false)", "element: long (containsNull = false)",
            "b: array", "element: array (containsNull = false)",
            "element: integer (containsNull = false)", "c: long");
  }

  @Test
  void nullsGiveNull() {
    assertThat(
            evaluated(
                "select tensor_shape(f_square) a, tensor_shape(f_open) b, tensor_shape(f_grid) c,"
                    + " tensor_shape(d_half) d, tensor_at(i_next, k, 0) e, tensor_at(f_grid, k, k)"
                    + " f, tensor_at(f_open, k) + tensor_at(f_open, k) g, tensor_nested(i_next) h,"
                    + " tensor_nested(f_grid) i, tensor_nested(d_half) j from (select 9 k) left"
                    + " join scored on id = k"))
        .containsExactly("{}");
  }

  @Test
  void columnsAreCalledAsTheyAreWritten() {
    assertThat(
            spark()
                .sql("select tensor_at(i_next, 0, -1), tensor_shape(f_open) from scored")
                .columns())
        .containsExactly("tensor_at(i_next, 0, -1)", "tensor_shape(f_open)");
  }

  @Test
  void callsOfModelsArePossibleArguments() {
    Dataset<Row> query =
        spark()
            .sql(
                "select tensor_at(p.i_next, 0, 1) + tensor_at(p.i_next, -1, -1) s, tensor_shape("
                    + "p.f_open) from (select tf_predict('"
                    + model
                    + "', struct(*)) p from fed)"
                    + " where tensor_at(p.f_square, 1, 1) > 0");

    assertThat(query.collectAsList()).extracting(row -> row.getInt(0)).containsExactly(4, 5);
    assertThat(metric(query, RowsInferredMetric.NAME)).isEqualTo(3);
  }

  @Test
  void columnsOfTheSameSelectListAndOfTheQueryAroundAreTensors() {
    String call = "tf_predict('" + model + "', struct(*), outputs => 'i_next')";
    assertThat(evaluated("select " + call + " p, tensor_at(p, 1, 2) + id c from fed").get(2))
        .contains("\"c\":5");
    assertThat(
            evaluated(
                "select (select max(r.id) from range(9) r where r.id = tensor_at(i_next, 1,"
                    + " 2)) m, s from scored, lateral (select tensor_at(i_next, 0, 1) + scored.id s)"
                    + " order by scored.id"))
        .containsExactly("{\"m\":1,\"s\":2}", "{\"m\":2,\"s\":3}", "{\"m\":3,\"s\":4}");
  }

  @Test
  void groupsSortsAndFiltersTakeThem() {
    assertThat(
            evaluated(
                "select tensor_at(i_next, 1, 2) k, count(*) n from scored where"
                    + " tensor_shape(f_grid)[0] = 2 group by tensor_at(i_next, 1, 2) order by"
                    + " tensor_at(i_next, 1, 2) desc"))
        .containsExactly("{\"k\":3,\"n\":1}", "{\"k\":2,\"n\":1}", "{\"k\":1,\"n\":1}");
    assertThat(
            evaluated(
                "select tensor_at(i_next, 1, 2) k from scored group by tensor_at(i_next, 1,"
                    + " 2) having max(tensor_at(f_square, 1, 1)) > 1"))
        .containsExactly("{\"k\":3}");
  }

  /** A shape that the column's metadata say needs no row. */
  @Test
  void knownShapesRunNoModel() {
    Dataset<Row> query = spark().sql("select tensor_shape(i_next) from scored");

    assertThat(query.collectAsList()).hasSize(3);
    assertThat(metric(query, RowsInferredMetric.NAME)).isZero();
  }

  @Test
  void permanentViewsHoldTheFunctions() {
    spark().sql("create table kept using parquet as select id, i_next from scored");
    try {
      spark().sql("create view corners as select id, tensor_at(i_next, -1, -1) c from kept");

      assertThat(spark().newSession().table("corners").orderBy("id").toJSON().collectAsList())
          .containsExactly("{\"id\":0,\"c\":1}", "{\"id\":1,\"c\":2}", "{\"id\":2,\"c\":3}");
    } finally {
      spark().sql("drop view if exists corners");
      spark().sql("drop table kept");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"tensor_shape", "TENSOR_AT", "tensor_nested"})
  void functionsDescribeThemselves(String name) {
    assertThat(
            spark().sql("describe function extended " + name).collectAsList().stream()
                .map(Row::toString)
                .toList()
                .toString())
        .contains("(tensor", " the row's tensor", "Examples:", "> SELECT tensor_")
        .doesNotContain("_FUNC_");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      textBlock =
          """
          tensor_shape()                           | TA_INPUT_MISMATCH | no argument
          tensor_shape(cube, 1)                    | TA_INPUT_MISMATCH | 2 arguments
          tensor_shape(x => cube)                  | TA_INPUT_MISMATCH | an argument with a name
          tensor_nested(cube, 1)                   | TA_INPUT_MISMATCH | 2 arguments
          tensor_at()                              | TA_INPUT_MISMATCH | tensor_at(probabilities, 0)
          tensor_shape(untold)                     | TA_TENSOR_UNKNOWN | array<int> without the metadata
          tensor_shape(cast(cube as array<bigint>)) | TA_TENSOR_UNKNOWN | call tensor_shape on it before
          tensor_nested(id)                        | TA_TENSOR_UNKNOWN | 'made.id'
          tensor_at(cube, 0, 0)                    | TA_TENSOR_INDEX   | found 2 indices; expected 3
          tensor_at(flag, 0)                       | TA_TENSOR_INDEX   | expected 0
          tensor_at(cube, 0, 2, 0)                 | TA_TENSOR_INDEX   | found 2; expected one from 0 to 1, or from -2 to -1
          tensor_at(cube, 0, 0, -3)                | TA_TENSOR_INDEX   | dimension 2 of tensor (2, 2, 2)
          tensor_at(cube, '1', 0, 0)               | TA_TENSOR_INDEX   | type string; expected a whole number
          tensor_at(cube, 1.5, 0, 0)               | TA_TENSOR_INDEX   | type decimal(2,1)
          tensor_at(none, 0, 0)                    | TA_TENSOR_INDEX   | the dimension is empty
          """)
  void callsThatDoNotFitAreErrorsOfTheAnalysis(String call, String code, String found) {
    assertThatThrownBy(() -> spark().sql("select " + call + " from made"))
        .isInstanceOf(AnalysisException.class)
        .hasMessageContaining("[" + code + "]")
        .hasMessageContaining(found);
  }

  @Test
  void columnsThatAreNotAsTheirMetadataSayAreRefused() {
    spark()
        .sql("select 1 scalar, array(1) flat, named_struct('data', array(1), 'shape', 2) pair")
        .select(
            tensor("scalar", DType.INT32, 2),
            tensor("flat", DType.INT32),
            tensor("pair", DType.INT32, -1, -1))
        .createOrReplaceTempView("wrong");

    for (String column : List.of("scalar", "flat", "pair")) {
      assertThatThrownBy(() -> spark().sql("select tensor_shape(" + column + ") from wrong"))
          .isInstanceOf(AnalysisException.class)
          .hasMessageContaining("[TA_TENSOR_UNKNOWN]")
          .hasMessageContaining("with the metadata of a tensor int32 (");
    }
  }

  @ParameterizedTest
  @CsvSource({
    "'tensor_at(cube, id + 2, 0, 0)', TA_TENSOR_INDEX, dimension 0",
    "'tensor_at(open_rows, 2, 0)', TA_TENSOR_INDEX, one from 0 to 1",
    "'tensor_at(grid, id, -2, id)', TA_TENSOR_INDEX, dimension 1",
    "'tensor_at(none, id, id)', TA_TENSOR_INDEX, empty",
    "tensor_nested(torn), TA_TENSOR_UNKNOWN, '3 elements; expected 4, for shape (2, 2)'"
  })
  void rowsThatDoNotFitAreErrorsOfTheQuery(String call, String code, String found) {
    Dataset<Row> query = spark().sql("select " + call + " from made");

    assertThatThrownBy(query::collectAsList)
        .hasStackTraceContaining(TensorArrowException.class.getName())
        .hasStackTraceContaining("[" + code + "]")
        .hasStackTraceContaining(found);
  }
}
