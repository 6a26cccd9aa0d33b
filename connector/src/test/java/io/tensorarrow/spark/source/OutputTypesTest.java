package io.tensorarrow.spark.source;

import static io.tensorarrow.spark.source.DtypeSample.VALUES;
import static io.tensorarrow.spark.source.DtypeSample.bits;
import static io.tensorarrow.spark.source.DtypeSample.texts;
import static io.tensorarrow.spark.source.DtypeSample.values;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tensorarrow.spark.metrics.TensorBytesMetric;
import io.tensorarrow.spark.testing.ConstantModels;
import io.tensorarrow.spark.testing.ConstantModels.Rows;
import io.tensorarrow.spark.testing.SparkTestBase;
import java.math.BigDecimal;
import java.nio.file.Path;
import java.util.ArrayList;
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
import org.junit.jupiter.params.provider.MethodSource;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.TensorProto;

/** Outputs of every dtype in queries: SQL sees the numbers, and files and caches keep them. */
class OutputTypesTest extends SparkTestBase {
  /** Row {@code i} of the table has the {@code i % 4}-th value of a line below. */
  private static final int ROWS = 50;

  @TempDir Path dir;
  private String table = "";

  @BeforeEach
  void writeTable() {
    table = dir.resolve("table").toString();
    spark().range(0, ROWS, 1, 3).selectExpr("id as row", "id % 4 as id").write().parquet(table);
  }

  @ParameterizedTest
  @MethodSource("io.tensorarrow.spark.source.DtypeSample#samples")
  void eachDtypeIsReadWrittenAndCached(DtypeSample sample) {
    String type = sample.type();
    Dataset<Row> scored = reader(sample).option("batchRows", 7).load(table);
    assertThat(Stream.of("scalar", "single", "pair", "grid", "open"))
        .extracting(name -> scored.schema().apply(name).dataType().catalogString())
        .containsExactly(
            type,
            "array<" + type + ">",
            "array<" + type + ">",
            "array<" + type + ">",
            "struct<data:array<" + type + ">,shape:array<int>>");
    List<Object> expected = expected(sample.values());
    assertThat(bits(outputs(scored))).isEqualTo(bits(expected));

    String copy = dir.resolve("copy").toString();
    scored.repartition(2).write().parquet(copy);
    // Parquet writes the same NaN for all, and all are equal here.
    assertThat(outputs(spark().read().parquet(copy))).isEqualTo(expected);

    Dataset<Row> cached = scored.cache();
    try {
      assertThat(cached.count()).isEqualTo(ROWS);
      assertThat(bits(outputs(cached))).isEqualTo(bits(expected));
    } finally {
      cached.unpersist(true);
    }
  }

  private static List<Object> expected(List<Object> values) {
    List<Object> expected = new ArrayList<>();
    for (int row = 0; row < ROWS; row++) {
      Object value = values.get(row % VALUES);
      List<Object> pair = List.of(value, values.get((row + 1) % VALUES));
      expected.add(List.of(value, List.of(value), pair, pair, List.of(pair, List.of(2, 1))));
    }
    return expected;
  }

  @Test
  void numbersCanBeAddedComparedAndExploded() {
    Dataset<Row> scored =
        reader(DataType.DT_UINT8, DataType.DT_UINT32, DataType.DT_UINT64, DataType.DT_HALF)
            .load(table);
    scored.createOrReplaceTempView("numbers");
    // 13 rows each of the first two values, 12 of the others.
    assertThat(one("sum(UINT8_scalar), max(UINT8_scalar)"))
        .isEqualTo(List.of(13L * 127 + 12 * 128 + 12 * 255, (short) 255));
    assertThat(one("sum(UINT64_scalar)"))
        .isEqualTo(
            List.of(
                new BigDecimal("9223372036854775807")
                    .multiply(BigDecimal.valueOf(13))
                    .add(
                        new BigDecimal("9223372036854775808")
                            .add(new BigDecimal("18446744073709551615"))
                            .multiply(BigDecimal.valueOf(12)))));
    assertThat(one("count_if(UINT32_scalar > 2147483647), sum(UINT32_pair[1])"))
        .isEqualTo(List.of(24L, 13L * 2147483647L + 13 * 2147483648L + 12 * 4294967295L));
    assertThat(one("aggregate(first(UINT32_open.data), 0L, (a, b) -> a + b)").get(0))
        .isInstanceOf(Long.class);
    assertThat(one("count_if(isnan(HALF_scalar)), count_if(HALF_scalar = 0)"))
        .isEqualTo(List.of(12L, 13L));
    assertThat(
            spark()
                .sql("SELECT explode(UINT8_pair) AS v FROM numbers")
                .groupBy("v")
                .count()
                .sort("v")
                .collectAsList()
                .toString())
        .isEqualTo("[[0,25], [127,26], [128,25], [255,24]]");
    assertThat(
            spark()
                .sql("SELECT posexplode(UINT64_grid) FROM numbers WHERE row = 2")
                .collectAsList()
                .toString())
        .isEqualTo("[[0,9223372036854775808], [1,18446744073709551615]]");
  }

  @Test
  void complexNumbersBooleansAndTextsAreUsedInConditions() {
    reader(DataType.DT_COMPLEX64, DataType.DT_BOOL, DataType.DT_STRING)
        .load(table)
        .createOrReplaceTempView("numbers");
    assertThat(one("count_if(COMPLEX64_scalar.re < 0), sum(COMPLEX64_scalar.im)"))
        .isEqualTo(List.of(13L, 13.0 + 24));
    assertThat(one("count_if(COMPLEX64_pair[1].im = 2), sum(COMPLEX64_open.data[0].im)"))
        .isEqualTo(List.of(12L, 13.0 + 24));
    assertThat(spark().sql("SELECT row FROM numbers WHERE BOOL_scalar").count()).isEqualTo(25);
    assertThat(one("count_if(exists(BOOL_pair, b -> b)), bool_or(BOOL_grid[1])"))
        .isEqualTo(List.of(38L, true));
    assertThat(one("max(STRING_scalar), count_if(STRING_scalar LIKE 'exactly%')"))
        .isEqualTo(List.of("ä€\uD83D\uDE00ä€\uD83D\uDE00", 12L));
    assertThat(one("count(DISTINCT concat_ws(',', STRING_pair))")).isEqualTo(List.of(4L));
  }

  @Test
  void tensorBytesCountOnlySharedColumns() {
    Dataset<Row> scored = reader(DataType.DT_UINT16, DataType.DT_STRING).load(table);
    Dataset<Row> query = scored.select("UINT16_pair", "STRING_pair");
    query.collectAsList();
    assertThat(metric(query, TensorBytesMetric.NAME)).isEqualTo(ROWS * 2 * 2);
  }

  @Test
  void uint8RowsMayBeBinary() {
    Dataset<Row> scored = reader(DataType.DT_UINT8).option("bytes", "binary").load(table);
    assertThat(scored.schema().apply("UINT8_scalar").dataType().catalogString())
        .isEqualTo("smallint");
    scored.createOrReplaceTempView("numbers");
    assertThat(
            spark()
                .sql(
                    "SELECT hex(UINT8_single), hex(UINT8_pair), hex(UINT8_grid),"
                        + " hex(UINT8_open.data), UINT8_open.shape FROM numbers WHERE row = 2")
                .first()
                .toString())
        .isEqualTo("[80,80FF,80FF,80FF,WrappedArray(2, 1)]");
    String copy = dir.resolve("copy").toString();
    scored.write().parquet(copy);
    assertThat(outputs(spark().read().parquet(copy))).isEqualTo(outputs(scored));
  }

  @Test
  void invalidUtf8IsAnErrorOrBinary() {
    TensorProto bytes =
        texts(new byte[] {'o', 'k'}, new byte[] {(byte) 0xff, 0}, new byte[0], new byte[] {'b'});
    Path model =
        ConstantModels.rowsOf(
            dir.resolve("model"), Map.of("y", new Rows(bytes, DataType.DT_STRING, -1)));
    DataFrameReader reader = spark().read().format("tensorflow").option("model", model.toString());

    assertThatThrownBy(() -> reader.load(table).collectAsList())
        .hasMessageContaining("[TA_OUTPUT_STRING] Cannot fetch tensor 'y' str (-1,) into column")
        .hasMessageContaining(" of split 0+")
        .hasMessageContaining("strings=binary");
    Dataset<Row> binary = reader.option("strings", "binary").load(table);
    assertThat(binary.where("y = X'ff00'").count()).isEqualTo(13);
  }

  /** Returns a reader with outputs {@code scalar}, {@code single} and so on. */
  private DataFrameReader reader(DtypeSample sample) {
    return spark()
        .read()
        .format("tensorflow")
        .option("outputs", "scalar, single, pair, grid, open")
        .option(
            "model", DtypeSample.model(dir.resolve("model"), List.of(sample), s -> "").toString());
  }

  /** Returns a reader with outputs {@code UINT8_scalar}, {@code UINT8_single} and so on. */
  private DataFrameReader reader(DataType... dtypes) {
    List<DtypeSample> samples =
        DtypeSample.samples().stream().filter(s -> List.of(dtypes).contains(s.dtype())).toList();
    return spark()
        .read()
        .format("tensorflow")
        .option(
            "model",
            DtypeSample.model(
                    dir.resolve("model"),
                    samples,
                    s -> s.dtype().name().substring("DT_".length()) + "_")
                .toString());
  }

  private List<Object> one(String expressions) {
    return values(spark().sql("SELECT " + expressions + " FROM numbers").first());
  }

  private static List<Object> outputs(Dataset<Row> scored) {
    return scored.sort("row").drop("row", "id").collectAsList().stream()
        .<Object>map(DtypeSample::values)
        .toList();
  }
}
