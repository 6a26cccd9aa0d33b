package io.tensorarrow.spark.source;

import static io.tensorarrow.spark.source.DtypeSample.bits;
import static org.assertj.core.api.Assertions.assertThat;

import io.tensorarrow.spark.testing.AliasModels;
import io.tensorarrow.spark.testing.AliasModels.Tensor;
import io.tensorarrow.spark.testing.SparkTest;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.spark.sql.DataFrameReader;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.tensorflow.proto.DataType;

/**
 * Inputs of every dtype in queries: what one model returned is fed to another, which returns it as
 * it is, bit by bit.
 */
class EchoedTypesTest extends SparkTest {
  private static final int ROWS = 50;
  private static final List<String> SHAPES = List.of("scalar", "single", "pair", "grid");

  @TempDir Path dir;
  private String table = "";
  private String samples = "";

  @BeforeEach
  void writeTable() {
    table = dir.resolve("table").toString();
    spark().range(0, ROWS, 1, 3).selectExpr("id as row", "id % 4 as id").write().parquet(table);
    samples =
        DtypeSample.model(dir.resolve("samples"), DtypeSample.samples(), s -> s.dtype() + "_")
            .toString();
  }

  @Test
  void everyDtypeIsFedFromAnotherModelsColumns() {
    assertEchoed(
        echo().option("source", "tensorflow").option("source.model", samples).load(table),
        reader(samples).load(table));
  }

  @ParameterizedTest
  @CsvSource({"parquet, true", "parquet, false", "orc, true", "orc, false"})
  void everyDtypeIsFedFromFiles(String format, boolean vectorized) {
    String copy = dir.resolve("copy").toString();
    reader(samples).load(table).write().format(format).save(copy);
    List<String> settings =
        Stream.of("enableVectorizedReader", "enableNestedColumnVectorizedReader")
            .map(name -> "spark.sql." + format + "." + name)
            .toList();
    settings.forEach(setting -> spark().conf().set(setting, vectorized));
    try {
      assertEchoed(
          echo().option("source", format).load(copy), spark().read().format(format).load(copy));
    } finally {
      settings.forEach(spark().conf()::unset);
    }
  }

  @Test
  void everyDtypeIsFedFromNestedArraysAndFromScalarsAlone() {
    String copy = dir.resolve("copy").toString();
    String[] nested = columns("array({0}_pair, {0}_pair) as {0}_nested", "{0}_scalar as {0}_lone");
    reader(samples).load(table).selectExpr(nested).write().parquet(copy);
    Map<String, Tensor> inputs = new HashMap<>();
    for (DtypeSample sample : DtypeSample.samples()) {
      inputs.put(sample.dtype() + "_nested", new Tensor(sample.dtype(), -1, -1, 2));
      inputs.put(sample.dtype() + "_lone", new Tensor(sample.dtype(), -1, 1));
    }
    Dataset<Row> echoed =
        reader(AliasModels.echo(dir.resolve("nested"), inputs).toString()).load(copy);
    for (String output : List.of("out", "again")) {
      assertThat(rows(echoed.selectExpr(columns("{0}_nested_" + output, "{0}_lone_" + output))))
          .isEqualTo(
              rows(
                  spark()
                      .read()
                      .parquet(copy)
                      .selectExpr(columns("flatten({0}_nested)", "array({0}_lone)"))));
    }
  }

  @Test
  void bytesAndTextsAreFedFromBinaries() {
    Dataset<Row> echoed =
        echo()
            .option("strings", "binary")
            .option("bytes", "binary")
            .option("source", "tensorflow")
            .option("source.model", samples)
            .option("source.strings", "binary")
            .option("source.bytes", "binary")
            .load(table);
    assertThat(Stream.of("DT_UINT8_grid", "DT_STRING_scalar", "DT_STRING_grid"))
        .extracting(name -> type(echoed, name))
        .containsExactly("binary", "binary", "array<binary>");
    assertEchoed(echoed, echoed);
    Dataset<Row> plain = reader(samples).load(table);
    assertThat(
            rows(
                echoed.selectExpr("row", "hex(DT_UINT8_grid)", "cast(DT_STRING_scalar as string)")))
        .isEqualTo(
            rows(
                plain.selectExpr(
                    "row",
                    "concat_ws('', transform(DT_UINT8_grid, b -> lpad(hex(b), 2, '0')))",
                    "DT_STRING_scalar")));
  }

  /** Returns a reader that feeds each of the inputs from the column of its name. */
  private DataFrameReader echo() {
    Map<String, Tensor> inputs = new HashMap<>();
    for (DtypeSample sample : DtypeSample.samples()) {
      DataType dtype = sample.dtype();
      inputs.put(dtype + "_scalar", new Tensor(dtype, -1));
      inputs.put(dtype + "_single", new Tensor(dtype, -1, 1));
      inputs.put(dtype + "_pair", new Tensor(dtype, -1, -1));
      inputs.put(dtype + "_grid", new Tensor(dtype, -1, 1, -1));
    }
    return reader(AliasModels.echo(dir.resolve("echo"), inputs).toString()).option("batchRows", 7);
  }

  private static DataFrameReader reader(String model) {
    return spark().read().format("tensorflow").option("model", model);
  }

  /** Returns the row's number and columns for each dtype, whose name takes the place of {0}. */
  private static String[] columns(String... patterns) {
    return Stream.concat(
            Stream.of("row"),
            DtypeSample.samples().stream()
                .flatMap(
                    sample ->
                        Stream.of(patterns)
                            .map(pattern -> pattern.replace("{0}", sample.dtype().name()))))
        .toArray(String[]::new);
  }

  private static void assertEchoed(Dataset<Row> echoed, Dataset<Row> plain) {
    List<Row> found = echoed.sort("row").collectAsList();
    List<Row> expected = plain.sort("row").collectAsList();
    assertThat(expected).hasSize(ROWS);
    for (DtypeSample sample : DtypeSample.samples()) {
      for (String shape : SHAPES) {
        String input = sample.dtype() + "_" + shape;
        for (String output : List.of(input + "_out", input + "_again")) {
          assertThat(column(found, output)).as(output).isEqualTo(column(expected, input));
          assertThat(type(echoed, output)).as(output).isEqualTo(type(plain, input));
        }
      }
    }
  }

  private static String type(Dataset<Row> data, String column) {
    return data.schema().apply(column).dataType().catalogString();
  }

  private static List<Object> column(List<Row> rows, String name) {
    return rows.stream()
        .map(row -> bits(DtypeSample.values(row).get(row.fieldIndex(name))))
        .toList();
  }

  private static List<Object> rows(Dataset<Row> data) {
    return data.sort("row").collectAsList().stream()
        .map(row -> bits(DtypeSample.values(row)))
        .toList();
  }
}
