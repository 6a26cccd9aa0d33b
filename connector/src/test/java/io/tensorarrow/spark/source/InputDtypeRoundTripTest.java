package io.tensorarrow.spark.source;

import static io.tensorarrow.spark.source.DtypeSample.bits;
import static org.assertj.core.api.Assertions.assertThat;

import io.tensorarrow.spark.inference.BatchInference;
import io.tensorarrow.spark.inference.InferenceSpec;
import io.tensorarrow.spark.inference.SignatureBinder;
import io.tensorarrow.spark.model.ModelReference;
import io.tensorarrow.spark.model.savedmodel.SavedModelFile;
import io.tensorarrow.spark.options.ReadOptions;
import io.tensorarrow.spark.tensor.vector.RowSelection;
import io.tensorarrow.spark.testing.AliasModels;
import io.tensorarrow.spark.testing.AliasModels.Tensor;
import io.tensorarrow.spark.testing.SparkTestBase;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.spark.sql.DataFrameReader;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.catalyst.CatalystTypeConverters;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.execution.arrow.ArrowWriter;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.util.ArrowUtils;
import org.apache.spark.sql.util.CaseInsensitiveStringMap;
import org.apache.spark.sql.vectorized.ArrowColumnVector;
import org.apache.spark.sql.vectorized.ColumnVector;
import org.apache.spark.sql.vectorized.ColumnarBatch;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.tensorflow.proto.DataType;

/**
 * Inputs of every dtype in queries: what one model returned is fed to another, which returns it as
 * it is, bit by bit.
 */
class InputDtypeRoundTripTest extends SparkTestBase {
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
  @CsvSource({"parquet, true", "parquet, false", "orc, true"})
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

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void everyDtypeIsFedFromArrowsVectors(boolean large) {
    Dataset<Row> plain = reader(samples).load(table).sort("row");
    List<Row> expected = plain.collectAsList();
    StructType schema = plain.schema();
    InferenceSpec spec = echoSpec(schema);
    try (BufferAllocator allocator =
            ArrowUtils.rootAllocator().newChildAllocator("test", 0, Long.MAX_VALUE);
        ColumnarBatch batch = arrow(plain, schema, large, allocator);
        BatchInference inference = new BatchInference(spec, schema)) {
      for (RowSelection rows :
          List.of(
              RowSelection.range(0, ROWS),
              RowSelection.range(13, 21),
              RowSelection.of(new int[] {2, 3, 4, 17, 49}, 5))) {
        List<ColumnVector> columns = inference.run(batch, rows);
        for (int i = 0; i < columns.size(); i++) {
          String output = spec.outputs().get(i).column();
          String input = output.substring(0, output.lastIndexOf('_'));
          assertThat(values(columns.get(i), rows.size()))
              .as(output)
              .isEqualTo(
                  IntStream.range(0, rows.size())
                      .mapToObj(row -> value(expected.get(rows.at(row)), input))
                      .toList());
        }
        columns.forEach(ColumnVector::close);
      }
    }
  }

  /** Copies rows into Arrow's vectors, as Spark lays them out for Python. */
  private static ColumnarBatch arrow(
      Dataset<Row> rows, StructType schema, boolean large, BufferAllocator allocator) {
    VectorSchemaRoot root =
        VectorSchemaRoot.create(ArrowUtils.toArrowSchema(schema, "UTC", true, large), allocator);
    ArrowWriter writer = ArrowWriter.create(root);
    for (InternalRow row : rows.queryExecution().executedPlan().executeCollect()) {
      writer.write(row);
    }
    writer.finish();
    ColumnVector[] columns =
        root.getFieldVectors().stream().map(ArrowColumnVector::new).toArray(ColumnVector[]::new);
    return new ColumnarBatch(columns, root.getRowCount());
  }

  private InferenceSpec echoSpec(StructType schema) {
    SavedModelFile file = SavedModelFile.read(echoModel());
    ModelReference reference =
        new ModelReference(file.location(), file.fingerprint(), List.of("serve"));
    return new SignatureBinder(
            reference, file.graph(List.of("serve")).signature(Optional.empty()), schema)
        .bind(ReadOptions.of(CaseInsensitiveStringMap.empty()));
  }

  private static List<Object> values(ColumnVector column, int rows) {
    StructType schema = new StructType().add("value", column.dataType());
    ColumnarBatch batch = new ColumnarBatch(new ColumnVector[] {column}, rows);
    return IntStream.range(0, rows)
        .mapToObj(row -> (Row) CatalystTypeConverters.convertToScala(batch.getRow(row), schema))
        .map(row -> value(row, "value"))
        .toList();
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
  void binaryColumnsFeedByteAndStringTensors() {
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
    assertThat(rows(echoed.selectExpr("row", "DT_UINT8_grid_out", "DT_STRING_grid_again")))
        .isEqualTo(rows(echoed.selectExpr("row", "DT_UINT8_grid", "DT_STRING_grid")));
    Dataset<Row> plain = reader(samples).load(table);
    assertThat(
            rows(
                echoed.selectExpr(
                    "row", "hex(DT_UINT8_grid_out)", "cast(DT_STRING_scalar_out as string)")))
        .isEqualTo(
            rows(
                plain.selectExpr(
                    "row",
                    "concat_ws('', transform(DT_UINT8_grid, b -> lpad(hex(b), 2, '0')))",
                    "DT_STRING_scalar")));
  }

  /** Returns a reader that feeds each of the inputs from the column of its name. */
  private DataFrameReader echo() {
    return reader(echoModel().toString()).option("batchRows", 7);
  }

  private Path echoModel() {
    Map<String, Tensor> inputs = new HashMap<>();
    for (DtypeSample sample : DtypeSample.samples()) {
      DataType dtype = sample.dtype();
      inputs.put(dtype + "_scalar", new Tensor(dtype, -1));
      inputs.put(dtype + "_single", new Tensor(dtype, -1, 1));
      inputs.put(dtype + "_pair", new Tensor(dtype, -1, -1));
      inputs.put(dtype + "_grid", new Tensor(dtype, -1, 1, -1));
    }
    return AliasModels.echo(dir.resolve("echo"), inputs);
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
    List<Row> rows = echoed.sort("row").collectAsList();
    List<Row> expected = plain.sort("row").collectAsList();
    assertThat(expected).hasSize(ROWS);
    for (DtypeSample sample : DtypeSample.samples()) {
      for (String shape : SHAPES) {
        String input = sample.dtype() + "_" + shape;
        for (String output : List.of(input + "_out", input + "_again")) {
          assertThat(column(rows, output)).as(output).isEqualTo(column(expected, input));
          assertThat(type(echoed, output)).as(output).isEqualTo(type(plain, input));
        }
      }
    }
  }

  private static String type(Dataset<Row> data, String column) {
    return data.schema().apply(column).dataType().catalogString();
  }

  private static List<Object> column(List<Row> rows, String name) {
    return rows.stream().map(row -> value(row, name)).toList();
  }

  private static Object value(Row row, String name) {
    return bits(DtypeSample.plain(row.get(row.fieldIndex(name))));
  }

  private static List<Object> rows(Dataset<Row> data) {
    return data.sort("row").collectAsList().stream()
        .map(row -> bits(DtypeSample.values(row)))
        .toList();
  }
}
