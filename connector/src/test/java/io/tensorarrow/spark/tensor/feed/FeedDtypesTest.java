package io.tensorarrow.spark.tensor.feed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.options.CastMode;
import io.tensorarrow.spark.options.ColumnTypes;
import io.tensorarrow.spark.tensor.DType;
import io.tensorarrow.spark.tensor.NativeMemoryTestBase;
import io.tensorarrow.spark.tensor.NativeTensor;
import io.tensorarrow.spark.tensor.TensorSpec;
import io.tensorarrow.spark.tensor.fetch.TensorColumns;
import io.tensorarrow.spark.tensor.vector.ArrayReader;
import io.tensorarrow.spark.tensor.vector.HalfFloat;
import io.tensorarrow.spark.tensor.vector.RowSelection;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.apache.arrow.vector.TinyIntVector;
import org.apache.arrow.vector.VarBinaryVector;
import org.apache.arrow.vector.VarCharVector;
import org.apache.spark.sql.execution.vectorized.ConstantColumnVector;
import org.apache.spark.sql.execution.vectorized.Dictionary;
import org.apache.spark.sql.execution.vectorized.OffHeapColumnVector;
import org.apache.spark.sql.execution.vectorized.OnHeapColumnVector;
import org.apache.spark.sql.execution.vectorized.WritableColumnVector;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.Decimal;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.vectorized.ArrowColumnVector;
import org.apache.spark.sql.vectorized.ColumnVector;
import org.apache.spark.unsafe.Platform;
import org.apache.spark.unsafe.types.UTF8String;
import org.bytedeco.javacpp.BytePointer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.tensorflow.internal.c_api.TF_TString;
import org.tensorflow.internal.c_api.global.tensorflow;

/** Dtypes that Spark has no type for, strings, and columns that are no plain numbers. */
final class FeedDtypesTest extends NativeMemoryTestBase {
  private static final DataType ANY_INTEGER = DataTypes.createDecimalType(38, 0);
  private static final StructType COMPLEX =
      new StructType().add("IM", DataTypes.DoubleType).add("Re", DataTypes.DoubleType);
  private static final StructType ML_VECTOR =
      new StructType()
          .add("type", DataTypes.ByteType)
          .add("size", DataTypes.IntegerType)
          .add("indices", DataTypes.createArrayType(DataTypes.IntegerType))
          .add("values", DataTypes.createArrayType(DataTypes.DoubleType));

  /**
   * The strictest {@code casting} for which NumPy 2.0's {@code can_cast} is true (ml_dtypes' for
   * bfloat16), s(afe), k (same_kind) or u(nsafe); for unsigned tensors short, int and long are
   * NumPy's uint8, uint16 and uint32, and decimals are uint64 everywhere.
   */
  private static final String CASTS =
      """
                bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 bfloat16 float32 float64 complex64 complex128
      boolean   s    s    s     s     s     s     s      s      s      s       s        s       s       s         s
      tinyint   u    s    s     s     s     u     u      u      u      s       s        s       s       s         s
      smallint  u    k    s     s     s     s     s      s      s      k       k        s       s       s         s
      int       u    k    k     s     s     k     s      s      s      k       k        k       s       k         s
      bigint    u    k    k     k     s     k     k      s      s      k       k        k       s       k         s
      decimal(20,0) u k   k     k     k     k     k      k      s      k       k        k       s       k         s
      float     u    u    u     u     u     u     u      u      u      k       k        s       s       s         s
      double    u    u    u     u     u     u     u      u      u      k       k        k       s       k         s
      """;

  @Test
  void castModesMatchNumPy() {
    List<String> lines = CASTS.lines().toList();
    List<String> targets = Arrays.asList(lines.get(0).trim().split(" +", -1));
    for (String line : lines.subList(1, lines.size())) {
      String[] row = line.split(" +", -1);
      DataType source = DataType.fromDDL(row[0]);
      for (int i = 0; i < targets.size(); i++) {
        String target = targets.get(i);
        DType to =
            Arrays.stream(DType.values())
                .filter(d -> d.numpyName().equals(target))
                .findFirst()
                .orElseThrow();
        String least =
            Arrays.stream(CastMode.values())
                .filter(mode -> accepts(to, source, mode))
                .findFirst()
                .map(mode -> mode == CastMode.SAME_KIND ? "k" : mode == CastMode.SAFE ? "s" : "u")
                .orElse("none");
        assertThat(least).as("%s to %s", source.catalogString(), to).isEqualTo(row[i + 1]);
      }
    }
  }

  @Test
  void quantizedAndSmallDtypesAcceptOnlyTheirIntegers() {
    for (DType raw :
        List.of(
            DType.QINT8,
            DType.QUINT8,
            DType.QINT16,
            DType.QUINT16,
            DType.QINT32,
            DType.FLOAT8_E4M3FN,
            DType.INT4,
            DType.UINT4)) {
      DataType own = TensorColumns.columnType(spec(raw, -1), ColumnTypes.DEFAULT);
      for (DataType type :
          List.of(
              DataTypes.BooleanType,
              DataTypes.ByteType,
              DataTypes.ShortType,
              DataTypes.IntegerType,
              DataTypes.LongType,
              DataTypes.FloatType)) {
        assertThat(accepts(raw, type, CastMode.UNSAFE))
            .as("%s %s", raw, type)
            .isEqualTo(type == own);
      }
    }
  }

  @Test
  void stringsAndNumbersAreNotCast() {
    assertThat(accepts(DType.STRING, DataTypes.StringType, CastMode.SAFE)).isTrue();
    assertThat(accepts(DType.STRING, DataTypes.BinaryType, CastMode.SAFE)).isTrue();
    assertThat(accepts(DType.STRING, DataTypes.IntegerType, CastMode.UNSAFE)).isFalse();
    assertThat(accepts(DType.UINT8, DataTypes.StringType, CastMode.UNSAFE)).isFalse();
    assertThat(accepts(DType.FLOAT32, COMPLEX, CastMode.UNSAFE)).isFalse();
    assertThat(accepts(DType.COMPLEX64, COMPLEX, CastMode.SAFE)).isFalse();
    assertThat(accepts(DType.COMPLEX64, COMPLEX, CastMode.SAME_KIND)).isTrue();
    assertThatThrownBy(
            () ->
                ColumnFeeder.create(
                    spec(DType.STRING, -1), "c", DataTypes.IntegerType, CastMode.UNSAFE))
        .hasMessageContainingAll(
            "expected elements of type string, binary",
            "or elements of type string in the table itself");
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {
        "BOOL",
        "INT8",
        "INT16",
        "INT32",
        "INT64",
        "UINT8",
        "UINT16",
        "UINT32",
        "UINT64",
        "FLOAT16",
        "BFLOAT16",
        "FLOAT32",
        "FLOAT64"
      })
  void integersAreConvertedExactlyOrRefused(DType to) {
    List<BigInteger> values = new ArrayList<>();
    for (int bit : new int[] {0, 7, 8, 11, 15, 16, 24, 31, 32, 53, 63, 64, 100}) {
      for (int offset = -3; offset <= 3; offset++) {
        BigInteger value = BigInteger.TWO.pow(bit).add(BigInteger.valueOf(offset));
        values.add(value);
        values.add(value.negate());
      }
    }
    // Halfway between two floats, and just beside: rounding twice would go wrong here.
    for (int bits : new int[] {8, 24}) {
      for (int offset = -1; offset <= 1; offset++) {
        values.add(
            BigInteger.TWO
                .pow(62)
                .add(BigInteger.TWO.pow(62 - bits))
                .add(BigInteger.valueOf(offset)));
        values.add(
            BigInteger.TWO
                .pow(90)
                .add(BigInteger.TWO.pow(90 - bits))
                .add(BigInteger.valueOf(offset)));
      }
    }
    for (BigInteger value : values) {
      Optional<BigDecimal> expected = expected(value, to);
      try (ColumnVector column = decimals(38, value)) {
        assertThat(number(to, ANY_INTEGER, column)).as("%s to %s", value, to).isEqualTo(expected);
      }
      if (value.bitLength() < Long.SIZE) {
        try (WritableColumnVector column = new OnHeapColumnVector(1, DataTypes.LongType)) {
          column.appendLong(value.longValueExact());
          assertThat(number(to, DataTypes.LongType, column))
              .as("%s to %s", value, to)
              .isEqualTo(expected);
        }
      }
    }
  }

  @Test
  void floatsAreRoundedToNearestFloat16AndBfloat16() {
    for (DType to : List.of(DType.FLOAT16, DType.BFLOAT16)) {
      for (int bits = 0; bits < 0x10000; bits += 7) {
        double value = decoded(to, (short) bits);
        // The processor makes signalling NaNs quiet when it converts them; their other bits stay.
        int quiet = Double.isNaN(value) ? (to == DType.FLOAT16 ? 0x200 : 0x40) : 0;
        assertThat((int) rounded(to, value)).as("%x", bits).isEqualTo((int) (short) (bits | quiet));
        if (Double.isFinite(value)
            && (bits & 0x7fff) + 1 < (to == DType.FLOAT16 ? 0x7c00 : 0x7f80)) {
          double next = decoded(to, (short) (bits + 1));
          double middle = (value + next) / 2;
          int even = (bits & 1) == 0 ? bits : bits + 1;
          assertThat((int) rounded(to, middle)).as("%x", bits).isEqualTo((int) (short) even);
          assertThat((int) rounded(to, middle + Math.copySign(Math.ulp(middle), middle)))
              .isEqualTo((int) (short) (bits + 1));
        }
      }
    }
    assertThat(fractions(DType.FLOAT16, 65519)).isEqualTo(65504);
    assertOverflow(DType.FLOAT16, 65520);
    assertOverflow(DType.BFLOAT16, 0x1.ffp127);
    assertThat(fractions(DType.FLOAT16, Double.NEGATIVE_INFINITY))
        .isEqualTo(Double.NEGATIVE_INFINITY);
  }

  @Test
  void fractionsAreTruncatedToUnsigned() {
    assertThat(fractions(DType.UINT8, 255.9)).isEqualTo(255);
    assertThat(fractions(DType.UINT64, -0.9)).isEqualTo(0);
    assertThat(fractions(DType.UINT64, 0x1.8p63)).isEqualTo(0x1.8p63);
    assertOverflow(DType.UINT8, 256);
    assertOverflow(DType.UINT8, -1);
    assertOverflow(DType.UINT64, 0x1p64);
    assertOverflow(DType.UINT64, -1);
    assertOverflow(DType.UINT64, Double.NaN);
    assertThat(fractions(DType.BOOL, Double.NaN)).isEqualTo(1);
    assertThat(fractions(DType.BOOL, 0.5)).isEqualTo(1);
    assertThat(fractions(DType.BOOL, -0.0)).isEqualTo(0);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 5000})
  void complexTensorsAreFedFromStructsAndNumbers(int rows) {
    try (WritableColumnVector column = new OnHeapColumnVector(rows, COMPLEX)) {
      for (int i = 0; i < rows; i++) {
        column.appendStruct(false);
        column.getChild(0).appendDouble(-i);
        column.getChild(1).appendDouble(i + 0.5);
      }
      for (DType to : List.of(DType.COMPLEX64, DType.COMPLEX128)) {
        try (NativeTensor tensor = feed(spec(to, -1), COMPLEX, column, rows)) {
          for (int i = 0; i < rows; i++) {
            assertThat(part(tensor, 2 * i)).isEqualTo(i + 0.5);
            assertThat(part(tensor, 2 * i + 1)).isEqualTo(-i);
          }
        }
        try (NativeTensor tensor =
            feed(spec(to, -1), DataTypes.DoubleType, column.getChild(1), rows)) {
          assertThat(part(tensor, 2 * rows - 2)).isEqualTo(rows - 0.5);
          assertThat(part(tensor, 2 * rows - 1)).isZero();
        }
      }
      column.getChild(0).putNull(rows - 1);
      assertThatThrownBy(() -> feed(spec(DType.COMPLEX64, -1), COMPLEX, column, rows))
          .hasMessageContainingAll("TA_NULL_INPUT", "a null part in row " + (rows - 1));
    }
  }

  @Test
  void signallingNansOfComplexNumbersKeepBits() {
    StructType floats =
        new StructType().add("re", DataTypes.FloatType).add("im", DataTypes.FloatType);
    DataType arrays = DataTypes.createArrayType(floats);
    try (WritableColumnVector column = new OnHeapColumnVector(1, arrays)) {
      column.appendArray(1);
      column.arrayData().appendStruct(false);
      column.arrayData().getChild(0).appendFloat(Float.intBitsToFloat(0x7f800001));
      column.arrayData().getChild(1).appendFloat(-0f);
      try (NativeTensor tensor = feed(spec(DType.COMPLEX64, -1, 1), arrays, column, 1)) {
        assertThat(Platform.getInt(null, tensor.address())).isEqualTo(0x7f800001);
        assertThat(Platform.getInt(null, tensor.address() + 4)).isEqualTo(0x80000000);
      }
    }
  }

  @Test
  void sparkMlVectorsAreReadAsArrays() {
    try (WritableColumnVector column = new OnHeapColumnVector(3, ML_VECTOR)) {
      vector(column, 1, 0, new int[0], 1, 2, 3, 4);
      vector(column, 0, 4, new int[] {1, 3}, 7, 9);
      vector(column, 1, 0, new int[0], 5, 6, 7, 8);
      ArrayReader reader = ArrayReader.over(column);
      List<List<Double>> found = new ArrayList<>();
      for (int row = 0; row < 3; row++) {
        reader.seek(row);
        List<Double> values = new ArrayList<>();
        for (int i = 0; i < reader.length(); i++) {
          values.add(reader.elements().getDouble(reader.offset() + i));
        }
        found.add(values);
      }
      assertThat(found)
          .containsExactly(
              List.of(1.0, 2.0, 3.0, 4.0),
              List.of(0.0, 7.0, 0.0, 9.0),
              List.of(5.0, 6.0, 7.0, 8.0));
    }
  }

  /** Unpacked, the vector of two billion would take all memory of the process. */
  @Test
  void hugeSparseVectorIsRefusedForItsLength() {
    TensorSpec spec = spec(DType.FLOAT64, -1, 4);
    try (WritableColumnVector column = new OnHeapColumnVector(2, ML_VECTOR)) {
      vector(column, 0, 4, new int[] {1}, 7);
      vector(column, 0, Integer.MAX_VALUE, new int[] {1}, 7);
      ColumnFeeder feeder =
          ColumnFeeder.create(
              spec, "v", DataTypes.createArrayType(DataTypes.DoubleType), CastMode.SAFE);
      assertThatThrownBy(() -> feeder.feed(column, RowSelection.range(0, 2)))
          .hasMessageContainingAll(
              "[TA_INPUT_SHAPE] Cannot feed column 'v' to tensor",
              "found an array of length 2147483647 in row 1 of the batch; expected length 4");
      feeder.feed(column, RowSelection.range(0, 1)).close();
    }
  }

  @Test
  void sparseVectorIsNotUnpackedForItsLength() {
    try (WritableColumnVector column = new OnHeapColumnVector(1, ML_VECTOR)) {
      vector(column, 0, Integer.MAX_VALUE, new int[] {1}, 7);
      ArrayReader reader = ArrayReader.over(column);
      reader.seek(0);
      assertThat(reader.length()).isEqualTo(Integer.MAX_VALUE);
    }
  }

  @Test
  void int4LeavesUpperBitsZero() {
    try (WritableColumnVector column = new OnHeapColumnVector(3, DataTypes.ByteType)) {
      column.appendByte((byte) -8);
      column.appendByte((byte) -1);
      column.appendByte((byte) 7);
      try (NativeTensor tensor = feed(spec(DType.INT4, -1), DataTypes.ByteType, column, 3)) {
        assertThat(Platform.getByte(null, tensor.address())).isEqualTo((byte) 8);
        assertThat(Platform.getByte(null, tensor.address() + 1)).isEqualTo((byte) 15);
        assertThat(Platform.getByte(null, tensor.address() + 2)).isEqualTo((byte) 7);
      }
    }
  }

  @Test
  void vectorOfUndeclaredTypeIsNotReadBeyondItsEnd() {
    try (TinyIntVector bytes = new TinyIntVector("c", allocator)) {
      for (int i = 0; i < 10; i++) {
        bytes.setSafe(i, i);
      }
      bytes.setValueCount(10);
      ColumnVector column = new ArrowColumnVector(bytes);
      assertThatThrownBy(() -> feed(spec(DType.INT64, -1), DataTypes.LongType, column, 10))
          .isInstanceOf(UnsupportedOperationException.class);
    }
  }

  @Test
  void binaryFeedsUint8() {
    List<byte[]> rows = List.of(new byte[] {1, -1, 0, 4}, new byte[] {5, 6, 7, -128});
    for (Strings kind : Strings.values()) {
      try (ColumnVector column = strings(kind, DataTypes.BinaryType, rows);
          NativeTensor tensor =
              feed(spec(DType.UINT8, -1, 2, 2), DataTypes.BinaryType, column, 2)) {
        byte[] bytes = new byte[8];
        Platform.copyMemory(null, tensor.address(), bytes, Platform.BYTE_ARRAY_OFFSET, 8);
        assertThat(bytes).as("%s", kind).containsExactly(1, -1, 0, 4, 5, 6, 7, -128);
      }
      try (ColumnVector column = strings(kind, DataTypes.BinaryType, rows)) {
        assertThatThrownBy(() -> feed(spec(DType.UINT8, -1, 5), DataTypes.BinaryType, column, 2))
            .hasMessageContainingAll("TA_INPUT_SHAPE", "length 4");
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Strings.class)
  void stringsKeepEveryByte(Strings kind) {
    Random random = new Random(5);
    for (DataType type : List.of(DataTypes.StringType, DataTypes.BinaryType)) {
      List<byte[]> rows = new ArrayList<>();
      for (int i = 0; i < 9000; i++) {
        byte[] bytes = new byte[i < 101 ? i : random.nextInt(100)];
        random.nextBytes(bytes);
        if (bytes.length > 0) {
          bytes[random.nextInt(bytes.length)] = 0;
        }
        rows.add(i > 200 && random.nextBoolean() ? rows.get(random.nextInt(200)) : bytes);
      }
      rows.set(7000, new byte[3_000_000]);
      try (ColumnVector column = strings(kind, type, rows);
          NativeTensor tensor = feed(spec(DType.STRING, -1), type, column, rows.size())) {
        assertStrings(tensor, rows);
        assertThat(NativeTensor.liveStringBytes()).isEqualTo(tensor.byteSize());
      }
    }
  }

  @Test
  void nestedStringsKeepOrder() {
    DataType arrays = DataTypes.createArrayType(DataTypes.StringType);
    try (WritableColumnVector column = new OffHeapColumnVector(2, arrays)) {
      List<byte[]> expected = new ArrayList<>();
      for (int row = 0; row < 2; row++) {
        column.appendArray(4);
        for (int i = 0; i < 4; i++) {
          byte[] text = "x".repeat(20 + i + row).getBytes(java.nio.charset.StandardCharsets.UTF_8);
          column.arrayData().appendByteArray(text, 0, text.length);
          expected.add(text);
        }
      }
      try (NativeTensor tensor = feed(spec(DType.STRING, -1, 2, 2), arrays, column, 2)) {
        assertThat(tensor.dims()).containsExactly(2, 2, 2);
        assertStrings(tensor, expected);
      }
    }
  }

  @Test
  void constantAndEmptyStringColumnsAreFed() {
    try (ConstantColumnVector column = new ConstantColumnVector(3, DataTypes.StringType)) {
      column.setUtf8String(UTF8String.fromString("part=1"));
      column.setNotNull();
      try (NativeTensor tensor = feed(spec(DType.STRING, -1), DataTypes.StringType, column, 3)) {
        byte[] text = {'p', 'a', 'r', 't', '=', '1'};
        assertStrings(tensor, List.of(text, text, text));
      }
      try (NativeTensor none = feed(spec(DType.STRING, -1), DataTypes.StringType, column, 0)) {
        assertThat(none.elementCount()).isZero();
      }
    }
  }

  @Test
  void failedStringFeedFreesMemory() {
    try (WritableColumnVector column = new OnHeapColumnVector(2, DataTypes.StringType)) {
      column.appendByteArray(new byte[50], 0, 50);
      column.appendNull();
      assertThatThrownBy(() -> feed(spec(DType.STRING, -1), DataTypes.StringType, column, 2))
          .hasMessageContainingAll("TA_NULL_INPUT", "row 1");
    }
    assertThat(NativeTensor.liveStringBytes()).isZero();
  }

  private static void assertStrings(NativeTensor tensor, List<byte[]> expected) {
    assertThat(tensor.elementCount()).isEqualTo(expected.size());
    for (int i = 0; i < expected.size(); i++) {
      TF_TString string = new TF_TString(new At(tensor.address() + 24L * i));
      long size = tensorflow.TF_TString_GetSize(string);
      assertThat(size).isEqualTo(expected.get(i).length);
      long text = tensorflow.TF_TString_GetDataPointer(string).address();
      byte[] bytes = new byte[(int) size];
      Platform.copyMemory(null, text, bytes, Platform.BYTE_ARRAY_OFFSET, size);
      assertThat(Arrays.equals(bytes, expected.get(i))).as("string %s", i).isTrue();
      assertThat(Platform.getByte(null, text + size)).as("NUL behind string %s", i).isZero();
    }
  }

  private enum Strings {
    ON_HEAP,
    OFF_HEAP,
    DICTIONARY,
    ARROW
  }

  private ColumnVector strings(Strings kind, DataType type, List<byte[]> rows) {
    return switch (kind) {
      case ON_HEAP -> filled(new OnHeapColumnVector(1, type), rows);
      case OFF_HEAP -> filled(new OffHeapColumnVector(1, type), rows);
      case DICTIONARY -> {
        WritableColumnVector column = new OnHeapColumnVector(rows.size(), type);
        WritableColumnVector ids = column.reserveDictionaryIds(rows.size());
        for (int i = 0; i < rows.size(); i++) {
          ids.putInt(i, rows.indexOf(rows.get(i)));
        }
        column.setDictionary(new Entries(rows));
        yield column;
      }
      case ARROW -> {
        if (type.equals(DataTypes.StringType)) {
          VarCharVector vector = new VarCharVector("c", allocator);
          for (int i = 0; i < rows.size(); i++) {
            vector.setSafe(i, rows.get(i));
          }
          vector.setValueCount(rows.size());
          yield new ArrowColumnVector(vector);
        }
        VarBinaryVector vector = new VarBinaryVector("c", allocator);
        for (int i = 0; i < rows.size(); i++) {
          vector.setSafe(i, rows.get(i));
        }
        vector.setValueCount(rows.size());
        yield new ArrowColumnVector(vector);
      }
    };
  }

  private static ColumnVector filled(WritableColumnVector column, List<byte[]> rows) {
    rows.forEach(bytes -> column.appendByteArray(bytes, 0, bytes.length));
    return column;
  }

  private static void vector(
      WritableColumnVector column, int type, int size, int[] indices, double... values) {
    column.appendStruct(false);
    column.getChild(0).appendByte((byte) type);
    column.getChild(1).appendInt(size);
    column.getChild(2).appendArray(indices.length);
    Arrays.stream(indices).forEach(column.getChild(2).arrayData()::appendInt);
    column.getChild(3).appendArray(values.length);
    Arrays.stream(values).forEach(column.getChild(3).arrayData()::appendDouble);
  }

  private static ColumnVector decimals(int precision, BigInteger value) {
    WritableColumnVector column =
        new OnHeapColumnVector(1, DataTypes.createDecimalType(precision, 0));
    column.putDecimal(0, Decimal.apply(new BigDecimal(value), precision, 0), precision);
    return column;
  }

  private static boolean accepts(DType to, DataType source, CastMode mode) {
    try {
      ColumnFeeder.create(spec(to, -1), "c", source, mode);
      return true;
    } catch (TensorArrowException e) {
      assertThat(e.code()).isEqualTo(ErrorCode.TA_INPUT_TYPE);
      return false;
    }
  }

  private static NativeTensor feed(TensorSpec spec, DataType type, ColumnVector column, int rows) {
    return ColumnFeeder.create(spec, "c", type, CastMode.UNSAFE)
        .feed(column, RowSelection.range(0, rows));
  }

  private static Optional<BigDecimal> number(DType to, DataType type, ColumnVector column) {
    try (NativeTensor tensor = feed(spec(to, -1), type, column, 1)) {
      return Optional.of(read(tensor).stripTrailingZeros());
    } catch (TensorArrowException e) {
      assertThat(e.code()).isEqualTo(ErrorCode.TA_CAST_OVERFLOW);
      return Optional.empty();
    }
  }

  private static double fractions(DType to, double value) {
    try (WritableColumnVector column = new OnHeapColumnVector(1, DataTypes.DoubleType)) {
      column.appendDouble(value);
      try (NativeTensor tensor = feed(spec(to, -1), DataTypes.DoubleType, column, 1)) {
        return to == DType.FLOAT16 || to == DType.BFLOAT16
            ? decoded(to, Platform.getShort(null, tensor.address()))
            : read(tensor).doubleValue();
      }
    }
  }

  private static void assertOverflow(DType to, double value) {
    assertThatThrownBy(() -> fractions(to, value)).hasMessageContaining("TA_CAST_OVERFLOW");
  }

  private static short rounded(DType to, double value) {
    return to == DType.FLOAT16 ? Rounding.toFloat16(value) : Rounding.toBfloat16(value);
  }

  private static double decoded(DType from, short bits) {
    return from == DType.FLOAT16
        ? HalfFloat.toFloat(bits)
        : Float.intBitsToFloat(Short.toUnsignedInt(bits) << 16);
  }

  private static double part(NativeTensor tensor, int index) {
    return tensor.dtype() == DType.COMPLEX64
        ? Platform.getFloat(null, tensor.address() + 4L * index)
        : Platform.getDouble(null, tensor.address() + 8L * index);
  }

  private static BigDecimal read(NativeTensor tensor) {
    long at = tensor.address();
    return switch (tensor.dtype()) {
      case BOOL, INT8 -> BigDecimal.valueOf(Platform.getByte(null, at));
      case UINT8 -> BigDecimal.valueOf(Byte.toUnsignedInt(Platform.getByte(null, at)));
      case INT16 -> BigDecimal.valueOf(Platform.getShort(null, at));
      case UINT16 -> BigDecimal.valueOf(Short.toUnsignedInt(Platform.getShort(null, at)));
      case INT32 -> BigDecimal.valueOf(Platform.getInt(null, at));
      case UINT32 -> BigDecimal.valueOf(Integer.toUnsignedLong(Platform.getInt(null, at)));
      case INT64 -> BigDecimal.valueOf(Platform.getLong(null, at));
      case UINT64 -> new BigDecimal(Long.toUnsignedString(Platform.getLong(null, at)));
      case FLOAT32 -> new BigDecimal(Platform.getFloat(null, at));
      case FLOAT64 -> new BigDecimal(Platform.getDouble(null, at));
      default -> new BigDecimal(decoded(tensor.dtype(), Platform.getShort(null, at)));
    };
  }

  /** The reference: what the integer becomes, or nothing if it does not fit. */
  private static Optional<BigDecimal> expected(BigInteger value, DType to) {
    return exactly(value, to).map(BigDecimal::stripTrailingZeros);
  }

  private static Optional<BigDecimal> exactly(BigInteger value, DType to) {
    return switch (to) {
      case BOOL -> Optional.of(BigDecimal.valueOf(value.signum() == 0 ? 0 : 1));
      case INT8, INT16, INT32, INT64 -> within(value, value.bitLength() < 8 * to.byteSize());
      case UINT8, UINT16, UINT32, UINT64 ->
          within(value, value.signum() >= 0 && value.bitLength() <= 8 * to.byteSize());
      case FLOAT32 -> Optional.of(new BigDecimal(value.floatValue()));
      case FLOAT64 -> Optional.of(new BigDecimal(value.doubleValue()));
      case FLOAT16 ->
          within(nearest(value, 11), value.abs().intValue() < 65520 && value.bitLength() < 31);
      default -> within(nearest(value, 8), true);
    };
  }

  private static Optional<BigDecimal> within(BigInteger value, boolean fits) {
    return fits ? Optional.of(new BigDecimal(value)) : Optional.empty();
  }

  private static BigInteger nearest(BigInteger value, int digits) {
    int excess = Math.max(0, value.abs().bitLength() - digits);
    BigDecimal unit = new BigDecimal(BigInteger.TWO.pow(excess));
    return new BigDecimal(value)
        .divide(unit)
        .setScale(0, java.math.RoundingMode.HALF_EVEN)
        .multiply(unit)
        .toBigIntegerExact();
  }

  private record Entries(List<byte[]> entries) implements Dictionary {
    @Override
    public int decodeToInt(int id) {
      throw new UnsupportedOperationException();
    }

    @Override
    public long decodeToLong(int id) {
      throw new UnsupportedOperationException();
    }

    @Override
    public float decodeToFloat(int id) {
      throw new UnsupportedOperationException();
    }

    @Override
    public double decodeToDouble(int id) {
      throw new UnsupportedOperationException();
    }

    @Override
    public byte[] decodeToBinary(int id) {
      return entries.get(id);
    }
  }

  /** An address in JavaCPP's words. */
  private static final class At extends BytePointer {
    At(long address) {
      super((org.bytedeco.javacpp.Pointer) null);
      this.address = address;
    }
  }
}
