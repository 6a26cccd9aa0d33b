package io.tensorarrow.spark.source;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import io.tensorarrow.spark.metrics.TensorBytesMetric;
import io.tensorarrow.spark.testing.SparkTest;
import io.tensorarrow.spark.testing.TestModels;
import io.tensorarrow.spark.testing.TestModels.Rows;
import java.math.BigDecimal;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.spark.sql.DataFrameReader;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.TensorProto;
import org.tensorflow.proto.TensorShapeProto;
import scala.collection.JavaConverters;
import scala.collection.Seq;

/** Outputs of every dtype in queries: SQL sees the numbers, and files and caches keep them. */
class OutputTypesTest extends SparkTest {
  /** Row {@code i} of the table has the {@code i % 4}-th value of a line below. */
  private static final int ROWS = 50;

  private static final int VALUES = 4;

  /** A dtype, its Spark type, and values: their bytes and what they are; {@code #} before bits. */
  private static final String SAMPLES =
      """
      FLOAT float 0000c03f=1.5 00000080=-0.0 3412a0ff=#ffa01234 000080ff=-Infinity
      DOUBLE double 000000000000f83f=1.5 0000000000000080=-0.0 785634120000f87f=#7ff8000012345678 000000000000f07f=Infinity
      HALF float 003e=1.5 0080=-0.0 34fe=#ffc68000 007c=Infinity
      BFLOAT16 float c03f=1.5 0080=-0.0 a1ff=#ffa10000 80ff=-Infinity
      INT8 tinyint 00=0 7f=127 80=-128 ff=-1
      INT16 smallint 0000=0 ff7f=32767 0080=-32768 ffff=-1
      INT32 int 00000000=0 ffffff7f=2147483647 00000080=-2147483648 ffffffff=-1
      INT64 bigint 0000000000000000=0 ffffffffffffff7f=9223372036854775807 0000000000000080=-9223372036854775808 ffffffffffffffff=-1
      UINT8 smallint 00=0 7f=127 80=128 ff=255
      UINT16 int 0000=0 ff7f=32767 0080=32768 ffff=65535
      UINT32 bigint 00000000=0 ffffff7f=2147483647 00000080=2147483648 ffffffff=4294967295
      UINT64 decimal(20,0) 0000000000000000=0 ffffffffffffff7f=9223372036854775807 0000000000000080=9223372036854775808 ffffffffffffffff=18446744073709551615
      BOOL boolean 00=false 01=true 01=true 00=false
      COMPLEX64 struct<re:float,im:float> 0000803f00000080=1;-0.0 000080bf0000803f=-1;1 3412a0ff00000000=#ffa01234;0 0000000000000040=0;2
      COMPLEX128 struct<re:double,im:double> 000000000000f03f0000000000000080=1;-0.0 000000000000f0bf000000000000f03f=-1;1 785634120000f87f0000000000000000=#7ff8000012345678;0 00000000000000000000000000000040=0;2
      QINT8 tinyint 00=0 7f=127 80=-128 ff=-1
      QUINT8 smallint 00=0 7f=127 80=128 ff=255
      QINT16 smallint 0000=0 ff7f=32767 0080=-32768 ffff=-1
      QUINT16 int 0000=0 ff7f=32767 0080=32768 ffff=65535
      QINT32 int 00000000=0 ffffff7f=2147483647 00000080=-2147483648 ffffffff=-1
      FLOAT8_E5M2 smallint 00=0 7f=127 80=128 ff=255
      FLOAT8_E4M3FN smallint 00=0 7f=127 80=128 ff=255
      INT4 tinyint 00=0 07=7 f8=-8 ff=-1
      UINT4 tinyint 00=0 07=7 08=8 0f=15
      STRING string =TEXT 610062=TEXT 65786163746c792032322062797465732021212121=TEXT c3a4e282acf09f9880c3a4e282acf09f9880=TEXT
      """;

  @TempDir Path dir;
  private String table = "";

  /** One line of the samples. */
  private record Sample(DataType dtype, String type, List<byte[]> bytes, List<Object> values) {
    static Sample parse(String line) {
      String[] words = line.split(" ", -1);
      List<byte[]> bytes = new ArrayList<>();
      List<Object> values = new ArrayList<>();
      for (String word : Arrays.asList(words).subList(2, words.length)) {
        String[] sides = word.split("=", -1);
        bytes.add(HexFormat.of().parseHex(sides[0]));
        values.add(value(words[1], sides[1], bytes.get(bytes.size() - 1)));
      }
      return new Sample(DataType.valueOf("DT_" + words[0]), words[1], bytes, values);
    }

    private static Object value(String type, String text, byte[] bytes) {
      boolean bits = text.startsWith("#");
      return switch (type) {
        case "float" ->
            bits
                ? Float.intBitsToFloat(Integer.parseUnsignedInt(text.substring(1), 16))
                : Float.valueOf(text);
        case "double" ->
            bits
                ? Double.longBitsToDouble(Long.parseUnsignedLong(text.substring(1), 16))
                : Double.valueOf(text);
        case "struct<re:float,im:float>", "struct<re:double,im:double>" -> {
          String part = type.substring("struct<re:".length(), type.indexOf(','));
          yield Stream.of(text.split(";")).map(t -> value(part, t, bytes)).toList();
        }
        case "decimal(20,0)" -> new BigDecimal(text);
        case "boolean" -> Boolean.valueOf(text);
        case "tinyint" -> Byte.valueOf(text);
        case "smallint" -> Short.valueOf(text);
        case "int" -> Integer.valueOf(text);
        case "bigint" -> Long.valueOf(text);
        case "string" -> new String(bytes, UTF_8);
        default -> throw new AssertionError(type);
      };
    }
  }

  static List<Sample> samples() {
    return SAMPLES.lines().map(Sample::parse).toList();
  }

  @BeforeEach
  void writeTable() {
    table = dir.resolve("table").toString();
    spark().range(0, ROWS, 1, 3).selectExpr("id as row", "id % 4 as id").write().parquet(table);
  }

  @ParameterizedTest
  @MethodSource("samples")
  void eachDtypeIsReadWrittenAndCached(Sample sample) {
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
  void onlyWhatIsSharedCountsAsHandedOnWithoutACopy() {
    Dataset<Row> scored = reader(DataType.DT_UINT16, DataType.DT_STRING).load(table);
    Dataset<Row> query = scored.select("UINT16_pair", "STRING_pair");
    query.collectAsList();
    assertThat(metric(query, TensorBytesMetric.NAME)).isEqualTo(ROWS * 2 * 2);
  }

  @Test
  void rowsOfBytesMayBeBinary() {
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
  void bytesThatAreNoTextAreAnErrorOrBinary() {
    TensorProto bytes =
        texts(new byte[] {'o', 'k'}, new byte[] {(byte) 0xff, 0}, new byte[0], new byte[] {'b'});
    Path model =
        TestModels.rowsOf(
            dir.resolve("model"), Map.of("y", new Rows(bytes, DataType.DT_STRING, -1)));
    DataFrameReader reader = spark().read().format("tensorflow").option("model", model.toString());

    assertThatThrownBy(() -> reader.load(table).collectAsList())
        .hasMessageContaining("[TA_OUTPUT_STRING] Cannot fetch tensor 'y' str (-1,) into column")
        .hasMessageContaining("of the batch")
        .hasMessageContaining("strings=binary");
    Dataset<Row> binary = reader.option("strings", "binary").load(table);
    assertThat(binary.where("y = X'ff00'").count()).isEqualTo(13);
  }

  /** Returns a reader with outputs {@code scalar}, {@code single} and so on. */
  private DataFrameReader reader(Sample sample) {
    return spark()
        .read()
        .format("tensorflow")
        .option("outputs", "scalar, single, pair, grid, open")
        .option("model", model(List.of(sample), name -> ""));
  }

  /** Returns a reader with outputs {@code UINT8_scalar}, {@code UINT8_single} and so on. */
  private DataFrameReader reader(DataType... dtypes) {
    List<Sample> wanted =
        samples().stream().filter(s -> List.of(dtypes).contains(s.dtype())).toList();
    return spark()
        .read()
        .format("tensorflow")
        .option("model", model(wanted, s -> s.dtype().name().substring("DT_".length()) + "_"));
  }

  private String model(List<Sample> samples, Function<Sample, String> prefix) {
    Map<String, Rows> outputs = new HashMap<>();
    for (Sample sample : samples) {
      String name = prefix.apply(sample);
      outputs.put(name + "scalar", rows(sample, new long[] {VALUES}, -1));
      outputs.put(name + "single", rows(sample, new long[] {VALUES, 1}, -1, 1));
      outputs.put(name + "pair", rows(sample, new long[] {VALUES, 2}, -1, -1));
      outputs.put(name + "grid", rows(sample, new long[] {VALUES, 1, 2}, -1, 1, 2));
      outputs.put(name + "open", rows(sample, new long[] {VALUES, 2, 1}, -1, -1, -1));
    }
    return TestModels.rowsOf(dir.resolve("model"), outputs).toString();
  }

  private static Rows rows(Sample sample, long[] dims, long... declared) {
    int width = (int) (Arrays.stream(dims).reduce(1, (a, b) -> a * b) / VALUES);
    List<byte[]> elements = new ArrayList<>();
    for (int row = 0; row < VALUES; row++) {
      for (int i = 0; i < width; i++) {
        elements.add(sample.bytes().get((row + i) % VALUES));
      }
    }
    // TensorFlow gathers no numbers of 4 bits.
    boolean small = sample.dtype() == DataType.DT_INT4 || sample.dtype() == DataType.DT_UINT4;
    TensorProto.Builder proto =
        texts(elements.toArray(byte[][]::new)).toBuilder()
            .setTensorShape(TensorShapeProto.newBuilder());
    Arrays.stream(dims).forEach(dim -> proto.getTensorShapeBuilder().addDimBuilder().setSize(dim));
    if (sample.dtype() != DataType.DT_STRING) {
      proto.setDtype(small ? DataType.DT_INT8 : sample.dtype());
      proto.setTensorContent(ByteString.copyFrom(proto.getStringValList()));
      proto.clearStringVal();
    }
    return new Rows(proto.build(), sample.dtype(), declared);
  }

  private static TensorProto texts(byte[]... values) {
    TensorProto.Builder proto = TensorProto.newBuilder().setDtype(DataType.DT_STRING);
    proto.getTensorShapeBuilder().addDimBuilder().setSize(values.length);
    Stream.of(values).map(ByteString::copyFrom).forEach(proto::addStringVal);
    return proto.build();
  }

  private List<Object> one(String expressions) {
    return values(spark().sql("SELECT " + expressions + " FROM numbers").first());
  }

  private static List<Object> outputs(Dataset<Row> scored) {
    return scored.sort("row").drop("row", "id").collectAsList().stream()
        .<Object>map(OutputTypesTest::values)
        .toList();
  }

  private static List<Object> values(Row row) {
    return IntStream.range(0, row.size()).mapToObj(i -> plain(row.get(i))).toList();
  }

  /** Returns a value with equals: lists for arrays and structs, digits for bytes. */
  private static Object plain(@Nullable Object value) {
    if (value instanceof Row row) {
      return values(row);
    }
    if (value instanceof Seq<?> seq) {
      return JavaConverters.seqAsJavaList(seq).stream().map(OutputTypesTest::plain).toList();
    }
    if (value instanceof byte[] bytes) {
      return HexFormat.of().formatHex(bytes);
    }
    return java.util.Objects.requireNonNull(value);
  }

  /** Replaces floats by their bits: Java takes one NaN for another. */
  private static Object bits(Object value) {
    if (value instanceof List<?> list) {
      return list.stream().map(OutputTypesTest::bits).toList();
    }
    if (value instanceof Float f) {
      return Float.floatToRawIntBits(f);
    }
    return value instanceof Double d ? Double.doubleToRawLongBits(d) : value;
  }
}
