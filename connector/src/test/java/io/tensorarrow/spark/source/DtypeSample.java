package io.tensorarrow.spark.source;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.protobuf.ByteString;
import io.tensorarrow.spark.testing.ConstantModels;
import io.tensorarrow.spark.testing.ConstantModels.Rows;
import java.math.BigDecimal;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.spark.sql.Row;
import org.jspecify.annotations.Nullable;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.TensorProto;
import org.tensorflow.proto.TensorShapeProto;
import scala.collection.JavaConverters;
import scala.collection.Seq;

/**
 * Values of one dtype.
 *
 * @param dtype TensorFlow's dtype
 * @param type Spark's type
 * @param bytes the bytes of each value
 * @param values what each is in Spark
 */
public record DtypeSample(DataType dtype, String type, List<byte[]> bytes, List<Object> values) {
  public static final int VALUES = 4;

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

  public static List<DtypeSample> samples() {
    return SAMPLES.lines().map(DtypeSample::parse).toList();
  }

  private static DtypeSample parse(String line) {
    String[] words = line.split(" ", -1);
    List<byte[]> bytes = new ArrayList<>();
    List<Object> values = new ArrayList<>();
    for (String word : Arrays.asList(words).subList(2, words.length)) {
      String[] sides = word.split("=", -1);
      bytes.add(HexFormat.of().parseHex(sides[0]));
      values.add(value(words[1], sides[1], bytes.get(bytes.size() - 1)));
    }
    return new DtypeSample(DataType.valueOf("DT_" + words[0]), words[1], bytes, values);
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

  /**
   * Writes a model of a signature {@code id} long (-1) to the {@code id}-th rows of constants, with
   * outputs of five shapes for each sample.
   *
   * @param directory the SavedModel's directory itself
   * @param prefix what the names of a sample's outputs begin with
   */
  public static Path model(
      Path directory, List<DtypeSample> samples, Function<DtypeSample, String> prefix) {
    Map<String, Rows> outputs = new HashMap<>();
    for (DtypeSample sample : samples) {
      String name = prefix.apply(sample);
      outputs.put(name + "scalar", rows(sample, new long[] {VALUES}, -1));
      outputs.put(name + "single", rows(sample, new long[] {VALUES, 1}, -1, 1));
      outputs.put(name + "pair", rows(sample, new long[] {VALUES, 2}, -1, -1));
      outputs.put(name + "grid", rows(sample, new long[] {VALUES, 1, 2}, -1, 1, 2));
      outputs.put(name + "open", rows(sample, new long[] {VALUES, 2, 1}, -1, -1, -1));
    }
    return ConstantModels.rowsOf(directory, outputs);
  }

  private static Rows rows(DtypeSample sample, long[] dims, long... declared) {
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

  public static TensorProto texts(byte[]... values) {
    TensorProto.Builder proto = TensorProto.newBuilder().setDtype(DataType.DT_STRING);
    proto.getTensorShapeBuilder().addDimBuilder().setSize(values.length);
    Stream.of(values).map(ByteString::copyFrom).forEach(proto::addStringVal);
    return proto.build();
  }

  public static List<Object> values(Row row) {
    return IntStream.range(0, row.size()).mapToObj(i -> plain(row.get(i))).toList();
  }

  /** Returns a value with equals: lists for arrays and structs, digits for bytes. */
  public static Object plain(@Nullable Object value) {
    if (value instanceof Row row) {
      return values(row);
    }
    if (value instanceof Seq<?> seq) {
      return JavaConverters.seqAsJavaList(seq).stream().map(DtypeSample::plain).toList();
    }
    if (value instanceof byte[] bytes) {
      return HexFormat.of().formatHex(bytes);
    }
    return Objects.requireNonNull(value);
  }

  /** Replaces floats by their bits: Java takes one NaN for another. */
  public static Object bits(Object value) {
    if (value instanceof List<?> list) {
      return list.stream().map(DtypeSample::bits).toList();
    }
    if (value instanceof Float f) {
      return Float.floatToRawIntBits(f);
    }
    return value instanceof Double d ? Double.doubleToRawLongBits(d) : value;
  }
}
