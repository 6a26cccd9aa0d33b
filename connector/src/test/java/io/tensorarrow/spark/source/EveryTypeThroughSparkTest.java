package io.tensorarrow.spark.source;

import static org.assertj.core.api.Assertions.assertThat;

import io.tensorarrow.spark.testing.OddModels.Tensor;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.types.StructType;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import scala.collection.JavaConverters;
import scala.collection.Seq;

/**
 * Columns of every type that can be fed come out of a model as they went in, bit by bit, whichever
 * reader of Spark's they come from.
 */
class EveryTypeThroughSparkTest extends ReaderTypesTestBase {
  private static final int ROWS = 300;

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

  @ParameterizedTest
  @EnumSource(ReaderKind.class)
  void allTypesRoundTripBitByBit(ReaderKind kind) {
    List<Row> rows = new ArrayList<>();
    for (int i = 0; i < ROWS; i++) {
      rows.add(row(i));
    }
    String path = write(kind, spark().createDataFrame(rows, SCHEMA));
    List<Row> outputs =
        kind.run(
            () ->
                reader(kind, TENSORS)
                    .option("inputs", "deep=deep.inner.xs")
                    .option("strings", "binary")
                    .option("bytes", "binary")
                    .option("batchRows", 64)
                    .load(path)
                    .where("id % 10 <> 3")
                    .sort("id")
                    .collectAsList());

    assertThat(outputs).hasSize(ROWS - ROWS / 10);
    for (Row row : outputs) {
      for (String name : TENSORS.keySet()) {
        assertThat(bits(row.getAs("same_" + name)))
            .as("%s of row %s", name, row.get(0))
            .isEqualTo(bits(row.getAs(name)));
      }
    }
  }

  /** Returns something with equals in which every bit counts, with arrays made flat. */
  private static Object bits(@Nullable Object value) {
    List<Object> flat = new ArrayList<>();
    flatten(value, flat);
    return flat;
  }

  private static void flatten(@Nullable Object value, List<Object> elements) {
    if (value instanceof Seq<?> seq) {
      JavaConverters.seqAsJavaList(seq).forEach(element -> flatten(element, elements));
    } else if (value instanceof Row row) {
      for (int i = 0; i < row.size(); i++) {
        flatten(row.get(i), elements);
      }
    } else {
      elements.add(plain(java.util.Objects.requireNonNull(value)));
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
