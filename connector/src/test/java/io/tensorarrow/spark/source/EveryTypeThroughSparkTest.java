package io.tensorarrow.spark.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tensorarrow.spark.testing.OddModels;
import io.tensorarrow.spark.testing.OddModels.Tensor;
import io.tensorarrow.spark.testing.SparkTestBase;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.apache.spark.sql.DataFrameReader;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.types.StructType;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import scala.collection.JavaConverters;
import scala.collection.Seq;

/**
 * Columns of every type that can be fed come out of a model as they went in, bit by bit, and nulls
 * and ragged arrays are errors on every level, whichever way Spark holds the columns.
 */
class EveryTypeThroughSparkTest extends SparkTestBase {
  private static final int ROWS = 300;

  @TempDir Path dir;

  /** The ways in which Spark hands columns over. */
  enum Way {
    PARQUET("parquet", "", ""),
    PARQUET_WITHOUT_DICTIONARIES("parquet", "", ""),
    PARQUET_OFF_HEAP("parquet", "spark.sql.columnVector.offheap.enabled", "true"),
    PARQUET_ROWS("parquet", "spark.sql.parquet.enableVectorizedReader", "false"),
    PARQUET_NESTED_ROWS("parquet", "spark.sql.parquet.enableNestedColumnVectorizedReader", "false"),
    ORC("orc", "spark.sql.orc.enableNestedColumnVectorizedReader", "true"),
    ORC_ROWS("orc", "spark.sql.orc.enableVectorizedReader", "false");

    private final String format;
    private final String setting;
    private final String value;

    Way(String format, String setting, String value) {
      this.format = format;
      this.setting = setting;
      this.value = value;
    }

    <T> T run(Supplier<T> action) {
      if (setting.isEmpty()) {
        return action.get();
      }
      spark().conf().set(setting, value);
      try {
        return action.get();
      } finally {
        spark().conf().unset(setting);
      }
    }
  }

  private static final StructType SCHEMA =
      StructType.fromDDL(
          "id bigint, truth boolean, i1 tinyint, i2 smallint, i4 int, i8 bigint, f float, d double,"
              + " t string, b binary, u1 smallint, u2 int, u4 bigint, u8 decimal(20,0),"
              + " small decimal(9,0), fs array<float>, none array<double>,"
              + " grid array<array<double>>, flat array<int>, ts array<array<string>>,"
              + " bytes binary, truths array<boolean>, c struct<re:float,im:float>,"
              + " cs array<struct<re:double,im:double>>,"
              + " deep struct<inner:struct<xs:array<smallint>>>");

  /** The tensors that the columns feed; {@code deep.inner.xs} is fed to {@code deep}. */
  private static final Map<String, Tensor> TENSORS =
      Map.ofEntries(
          Map.entry("truth", tensor("BOOL")),
          Map.entry("i1", tensor("INT8")),
          Map.entry("i2", tensor("INT16")),
          Map.entry("i4", tensor("INT32")),
          Map.entry("i8", tensor("INT64")),
          Map.entry("f", tensor("FLOAT")),
          Map.entry("d", tensor("DOUBLE")),
          Map.entry("t", tensor("STRING")),
          Map.entry("b", tensor("STRING")),
          Map.entry("u1", tensor("UINT8")),
          Map.entry("u2", tensor("UINT16")),
          Map.entry("u4", tensor("UINT32")),
          Map.entry("u8", tensor("UINT64")),
          Map.entry("small", tensor("UINT64")),
          Map.entry("fs", tensor("FLOAT", -1)),
          Map.entry("none", tensor("DOUBLE", 0)),
          Map.entry("grid", tensor("DOUBLE", 2, 3)),
          Map.entry("flat", tensor("INT32", 2, -1, 1)),
          Map.entry("ts", tensor("STRING", 1, 2)),
          Map.entry("bytes", tensor("UINT8", 2, 2)),
          Map.entry("truths", tensor("BOOL", 3)),
          Map.entry("c", tensor("COMPLEX64")),
          Map.entry("cs", tensor("COMPLEX128", 2)),
          Map.entry("deep", tensor("INT16", 2)));

  private static Tensor tensor(String dtype, long... rowDims) {
    long[] dims = new long[rowDims.length + 1];
    dims[0] = -1;
    System.arraycopy(rowDims, 0, dims, 1, rowDims.length);
    return new Tensor(org.tensorflow.proto.DataType.valueOf("DT_" + dtype), dims);
  }

  private static Row row(int i) {
    float f =
        List.of(
                -0.0f,
                Float.NaN,
                Float.intBitsToFloat(0xffa01234),
                Float.NEGATIVE_INFINITY,
                Float.MIN_VALUE,
                -Float.MIN_NORMAL / 2,
                Float.MAX_VALUE)
            .get(i % 7);
    double d =
        List.of(
                -0.0,
                Double.NaN,
                Double.longBitsToDouble(0xfff4000012345678L),
                Double.POSITIVE_INFINITY,
                -Double.MIN_VALUE,
                Double.MAX_VALUE)
            .get(i % 6);
    String t = List.of("", "a\0b", "ä€\uD83D\uDE00", "x".repeat(100), "İı").get(i % 5);
    byte[] bytes = {(byte) i, (byte) 0xff, 0, (byte) 0x80};
    return RowFactory.create(
        (long) i,
        i % 3 == 0,
        (byte) (i - 128),
        (short) (i * 200 - 32768),
        i % 2 == 0 ? Integer.MIN_VALUE + i : Integer.MAX_VALUE - i,
        i % 2 == 0 ? Long.MIN_VALUE + i : Long.MAX_VALUE - i,
        f,
        d,
        t,
        bytes,
        (short) (i % 256),
        65535 - i,
        4294967295L - i,
        new BigDecimal("18446744073709551615").subtract(BigDecimal.valueOf(i % 4)),
        BigDecimal.valueOf(999999999L - i),
        List.of(f, 1f, -0f),
        List.of(),
        List.of(List.of(d, 1.0, 2.0), List.of(3.0, -0.0, d)),
        List.of(i, -i, i + 1, Integer.MIN_VALUE),
        List.of(List.of(t, "z" + i)),
        bytes,
        List.of(true, false, i % 2 == 0),
        RowFactory.create(f, -0f),
        List.of(RowFactory.create(d, 1.0), RowFactory.create(-0.0, d)),
        RowFactory.create(RowFactory.create(List.of((short) i, (short) -i))));
  }

  private String write(Way way, Dataset<Row> rows) {
    String path = dir.resolve("table").toString();
    rows.coalesce(1)
        .write()
        .format(way.format)
        .option("parquet.enable.dictionary", way != Way.PARQUET_WITHOUT_DICTIONARIES)
        .save(path);
    return path;
  }

  private DataFrameReader reader(Way way, Map<String, Tensor> tensors) {
    return spark()
        .read()
        .format("tensorflow")
        .option("source", way.format)
        .option("model", OddModels.same(dir.resolve("model"), tensors).toString());
  }

  @ParameterizedTest
  @EnumSource(Way.class)
  void allTypesRoundTripBitByBit(Way way) {
    List<Row> rows = new ArrayList<>();
    for (int i = 0; i < ROWS; i++) {
      rows.add(row(i));
    }
    String path = write(way, spark().createDataFrame(rows, SCHEMA));
    List<Row> found =
        way.run(
            () ->
                reader(way, TENSORS)
                    .option("inputs", "deep=deep.inner.xs")
                    .option("strings", "binary")
                    .option("bytes", "binary")
                    .option("batchRows", 64)
                    .load(path)
                    .where("id % 10 <> 3")
                    .sort("id")
                    .collectAsList());

    assertThat(found).hasSize(ROWS - ROWS / 10);
    for (Row row : found) {
      for (String name : TENSORS.keySet()) {
        assertThat(bits(row.getAs("same_" + name)))
            .as("%s of row %s", name, row.get(0))
            .isEqualTo(bits(row.getAs(name)));
      }
    }
  }

  private static final Map<String, Tensor> NESTED =
      Map.of(
          "grid", tensor("DOUBLE", 2, -1),
          "ts", tensor("STRING", -1),
          "cs", tensor("COMPLEX64", 2),
          "deep", tensor("INT64"));

  /** Row 5 of 9 has one fault; the others are fine. */
  private static final Map<String, List<String>> FAULTS = faults();

  private static Map<String, List<String>> faults() {
    Map<String, List<String>> faults = new LinkedHashMap<>();
    String null5 = "found a null in row 5 of split 0+";
    String element = "found a null element in row 5 of split 0+";
    String d = "cast(id as double)";
    faults.put("grid|null", List.of("[TA_NULL_INPUT]", null5));
    faults.put("grid|array(null, array(1D, 2D))", List.of("[TA_NULL_INPUT]", element));
    faults.put("grid|array(array(1D, null), array(1D, 2D))", List.of("[TA_NULL_INPUT]", element));
    faults.put(
        "grid|array(array(%s))".formatted(d),
        List.of("[TA_INPUT_SHAPE]", "length 1", "row 5", "expected length 2"));
    faults.put(
        "grid|array(array(1D, 2D), array(1D))",
        List.of("[TA_INPUT_SHAPE]", "length 1", "row 5", "expected length 2"));
    faults.put(
        "grid|array(array(1D, 2D, 3D), array(1D, 2D, 3D))",
        List.of("[TA_INPUT_SHAPE]", "length 3", "row 5", "expected length 2 as in the first row"));
    faults.put("ts|null", List.of("[TA_NULL_INPUT]", null5));
    faults.put("ts|array('a', null)", List.of("[TA_NULL_INPUT]", element));
    faults.put("ts|array('a')", List.of("[TA_INPUT_SHAPE]", "length 1", "as in the first row"));
    faults.put("ts|cast(array() as array<string>)", List.of("[TA_INPUT_SHAPE]", "length 0"));
    faults.put(
        "cs|array(named_struct('re', 1D, 'im', 1D), null)", List.of("[TA_NULL_INPUT]", "row 5"));
    faults.put(
        "cs|array(named_struct('re', 1D, 'im', 1D), named_struct('re', null, 'im', 1D))",
        List.of("[TA_NULL_INPUT]", "row 5"));
    faults.put(
        "cs|array(named_struct('re', 1D, 'im', 1D), named_struct('re', 1D, 'im', 1e300D))",
        List.of("[TA_CAST_OVERFLOW]", "row 5", "complex64"));
    faults.put("deep|null", List.of("[TA_NULL_INPUT]", "null in struct 'deep'", "row 5"));
    faults.put(
        "deep|named_struct('inner', null)", List.of("[TA_NULL_INPUT]", "'deep.inner'", "row 5"));
    faults.put(
        "deep|named_struct('inner', named_struct('x', null))",
        List.of("[TA_NULL_INPUT]", "'deep.inner.x'", null5));
    return faults;
  }

  @ParameterizedTest
  @EnumSource(names = {"PARQUET", "PARQUET_ROWS", "ORC"})
  void nullsAndRaggedArraysAreErrorsOnEveryLevel(Way way) {
    String path =
        write(
            way,
            spark()
                .range(0, 9L * FAULTS.size(), 1, 1)
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
        reader(way, NESTED).option("inputs", "deep=deep.inner.x").option("batchRows", 9);
    List<Map.Entry<String, List<String>>> faults = new ArrayList<>(FAULTS.entrySet());
    for (int i = 0; i < faults.size(); i++) {
      String name = faults.get(i).getKey();
      String column = name.substring(0, name.indexOf('|'));
      String where = "id >= %d and id < %d".formatted(9 * i, 9 * i + 9);
      Dataset<Row> query = reader.load(path).where(where).select("same_" + column);
      String bad = "row " + (9 * i + 5);
      assertThatThrownBy(() -> way.run(query::collectAsList))
          .as(name)
          .hasMessageContaining("Cannot feed column '" + column)
          .hasMessageContaining(bad + " of split 0+")
          .hasMessageContainingAll(
              faults.get(i).getValue().stream()
                  .map(part -> part.replace("row 5", bad))
                  .toArray(String[]::new));
    }
    Dataset<Row> fine = reader.load(path).where("id % 9 <> 5");
    assertThat(way.run(fine::collectAsList)).hasSize(8 * faults.size());
  }

  /** Returns a column that has its faults in row 5 of nine, one after the other. */
  private static String faulty(String column, String fine) {
    StringBuilder cases = new StringBuilder("case");
    int i = 0;
    for (String fault : FAULTS.keySet()) {
      if (fault.startsWith(column + "|")) {
        cases.append(
            " when id = %d then %s".formatted(9 * i + 5, fault.substring(fault.indexOf('|') + 1)));
      }
      i++;
    }
    return cases + " else " + fine + " end as " + column;
  }

  /** Returns something with equals in which every bit counts, with arrays made flat. */
  private static Object bits(@Nullable Object value) {
    List<Object> flat = new ArrayList<>();
    flatten(value, flat);
    return flat;
  }

  private static void flatten(@Nullable Object value, List<Object> into) {
    if (value instanceof Seq<?> seq) {
      JavaConverters.seqAsJavaList(seq).forEach(each -> flatten(each, into));
    } else if (value instanceof Row row) {
      for (int i = 0; i < row.size(); i++) {
        flatten(row.get(i), into);
      }
    } else {
      into.add(plain(java.util.Objects.requireNonNull(value)));
    }
  }

  private static Object plain(Object value) {
    if (value instanceof Float f) {
      return Integer.toHexString(Float.floatToRawIntBits(f));
    }
    if (value instanceof Double d) {
      return Long.toHexString(Double.doubleToRawLongBits(d));
    }
    if (value instanceof String text) {
      return HexFormat.of().formatHex(text.getBytes(StandardCharsets.UTF_8));
    }
    if (value instanceof byte[] bytes) {
      return HexFormat.of().formatHex(bytes);
    }
    if (value instanceof BigDecimal number) {
      return number.toPlainString();
    }
    return value;
  }
}
