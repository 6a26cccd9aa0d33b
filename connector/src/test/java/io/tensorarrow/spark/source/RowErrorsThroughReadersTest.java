package io.tensorarrow.spark.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tensorarrow.spark.testing.OddModels.Tensor;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.DataFrameReader;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Nulls and ragged arrays are errors on every level, whichever reader of Spark's they come from.
 */
class RowErrorsThroughReadersTest extends ReaderTypesTestBase {
  private static final Map<String, Tensor> NESTED =
      Map.of(
          "grid", tensor("DOUBLE", 2, -1),
          "ts", tensor("STRING", -1),
          "cs", tensor("COMPLEX64", 2),
          "deep", tensor("INT64"));

  /** Row 5 of 9 is wrong in one place; the others are fine. */
  private static final Map<String, List<String>> ERRORS = errors();

  private static Map<String, List<String>> errors() {
    Map<String, List<String>> errors = new LinkedHashMap<>();
    String null5 = "found a null in row 5 of split 0+";
    String element = "found a null element in row 5 of split 0+";
    String d = "cast(id as double)";
    errors.put("grid|null", List.of("[TA_NULL_INPUT]", null5));
    errors.put("grid|array(null, array(1D, 2D))", List.of("[TA_NULL_INPUT]", element));
    errors.put("grid|array(array(1D, null), array(1D, 2D))", List.of("[TA_NULL_INPUT]", element));
    errors.put(
        "grid|array(array(%s))".formatted(d),
        List.of("[TA_INPUT_SHAPE]", "length 1", "row 5", "expected length 2"));
    errors.put(
        "grid|array(array(1D, 2D), array(1D))",
        List.of("[TA_INPUT_SHAPE]", "length 1", "row 5", "expected length 2"));
    errors.put(
        "grid|array(array(1D, 2D, 3D), array(1D, 2D, 3D))",
        List.of("[TA_INPUT_SHAPE]", "length 3", "row 5", "expected length 2 as in the first row"));
    errors.put("ts|null", List.of("[TA_NULL_INPUT]", null5));
    errors.put("ts|array('a', null)", List.of("[TA_NULL_INPUT]", element));
    errors.put("ts|array('a')", List.of("[TA_INPUT_SHAPE]", "length 1", "as in the first row"));
    errors.put("ts|cast(array() as array<string>)", List.of("[TA_INPUT_SHAPE]", "length 0"));
    errors.put(
        "cs|array(named_struct('re', 1D, 'im', 1D), null)", List.of("[TA_NULL_INPUT]", "row 5"));
    errors.put(
        "cs|array(named_struct('re', 1D, 'im', 1D), named_struct('re', null, 'im', 1D))",
        List.of("[TA_NULL_INPUT]", "row 5"));
    errors.put(
        "cs|array(named_struct('re', 1D, 'im', 1D), named_struct('re', 1D, 'im', 1e300D))",
        List.of("[TA_CAST_OVERFLOW]", "row 5", "complex64"));
    errors.put("deep|null", List.of("[TA_NULL_INPUT]", "null in struct 'deep'", "row 5"));
    errors.put(
        "deep|named_struct('inner', null)", List.of("[TA_NULL_INPUT]", "'deep.inner'", "row 5"));
    errors.put(
        "deep|named_struct('inner', named_struct('x', null))",
        List.of("[TA_NULL_INPUT]", "'deep.inner.x'", null5));
    return errors;
  }

  @ParameterizedTest
  @EnumSource(names = {"PARQUET", "PARQUET_ROWS", "ORC"})
  void nullsAndRaggedArraysAreErrorsOnEveryLevel(ReaderKind kind) {
    String path =
        write(
            kind,
            spark()
                .range(0, 9L * ERRORS.size(), 1, 1)
                .selectExpr(
                    "id",
                    faulty("grid", "array(array(1D, 2D), array(3D, cast(id as double)))"),
                    faulty("ts", "array('a', cast(id as string))"),
                    faulty(
                        "cs",
                        "array(named_struct('re', 1D, 'im', 2D),"
                            + " named_struct('re', 1D, 'im', cast(id as double)))"),
                    faulty("deep", "named_struct('inner', named_struct('x', id))")));
    DataFrameReader reader =
        reader(kind, NESTED).option("inputs", "deep=deep.inner.x").option("batchRows", 9);
    List<Map.Entry<String, List<String>>> errors = new ArrayList<>(ERRORS.entrySet());
    for (int i = 0; i < errors.size(); i++) {
      String name = errors.get(i).getKey();
      String column = name.substring(0, name.indexOf('|'));
      String where = "id >= %d and id < %d".formatted(9 * i, 9 * i + 9);
      Dataset<Row> query = reader.load(path).where(where).select("same_" + column);
      String bad = "row " + (9 * i + 5);
      assertThatThrownBy(() -> kind.run(query::collectAsList))
          .as(name)
          .hasMessageContaining("Cannot feed column '" + column)
          .hasMessageContaining(bad + " of split 0+")
          .hasMessageContainingAll(
              errors.get(i).getValue().stream()
                  .map(part -> part.replace("row 5", bad))
                  .toArray(String[]::new));
    }
    Dataset<Row> fine = reader.load(path).where("id % 9 <> 5");
    assertThat(kind.run(fine::collectAsList)).hasSize(8 * errors.size());
  }

  /** Returns a column that is wrong in row 5 of nine, one after the other. */
  private static String faulty(String column, String fine) {
    StringBuilder cases = new StringBuilder("case");
    int i = 0;
    for (String error : ERRORS.keySet()) {
      if (error.startsWith(column + "|")) {
        cases.append(
            " when id = %d then %s".formatted(9 * i + 5, error.substring(error.indexOf('|') + 1)));
      }
      i++;
    }
    return cases + " else " + fine + " end as " + column;
  }
}
