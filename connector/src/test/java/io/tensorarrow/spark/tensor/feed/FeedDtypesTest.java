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
import io.tensorarrow.spark.tensor.fetch.TensorColumns;
import io.tensorarrow.spark.testing.Float16Reference;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.apache.arrow.vector.TinyIntVector;
import org.apache.spark.sql.execution.vectorized.OnHeapColumnVector;
import org.apache.spark.sql.execution.vectorized.WritableColumnVector;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.Decimal;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.vectorized.ArrowColumnVector;
import org.apache.spark.sql.vectorized.ColumnVector;
import org.apache.spark.unsafe.Platform;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Casts to dtypes that Spark has no type for, checked against exact arithmetic. */
final class FeedDtypesTest extends NativeMemoryTestBase {
  private static final DataType ANY_INTEGER = DataTypes.createDecimalType(38, 0);
  private static final StructType COMPLEX =
      new StructType().add("IM", DataTypes.DoubleType).add("Re", DataTypes.DoubleType);

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
        String strictestMode =
            Arrays.stream(CastMode.values())
                .filter(mode -> accepts(to, source, mode))
                .findFirst()
                .map(mode -> mode == CastMode.SAME_KIND ? "k" : mode == CastMode.SAFE ? "s" : "u")
                .orElse("none");
        assertThat(strictestMode).as("%s to %s", source.catalogString(), to).isEqualTo(row[i + 1]);
      }
    }
  }

  @Test
  void quantizedAndSmallDtypesAcceptOnlyTheirIntegers() {
    for (DType target :
        List.of(
            DType.QINT8,
            DType.QUINT8,
            DType.QINT16,
            DType.QUINT16,
            DType.QINT32,
            DType.FLOAT8_E4M3FN,
            DType.INT4,
            DType.UINT4)) {
      DataType outputType = TensorColumns.columnType(spec(target, -1), ColumnTypes.DEFAULT);
      for (DataType type :
          List.of(
              DataTypes.BooleanType,
              DataTypes.ByteType,
              DataTypes.ShortType,
              DataTypes.IntegerType,
              DataTypes.LongType,
              DataTypes.FloatType)) {
        assertThat(accepts(target, type, CastMode.UNSAFE))
            .as("%s %s", target, type)
            .isEqualTo(type == outputType);
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
        try (NativeTensor tensor = TestFeeds.feed(spec(to, -1), COMPLEX, column, rows)) {
          for (int i = 0; i < rows; i++) {
            assertThat(part(tensor, 2 * i)).isEqualTo(i + 0.5);
            assertThat(part(tensor, 2 * i + 1)).isEqualTo(-i);
          }
        }
        try (NativeTensor tensor =
            TestFeeds.feed(spec(to, -1), DataTypes.DoubleType, column.getChild(1), rows)) {
          assertThat(part(tensor, 2 * rows - 2)).isEqualTo(rows - 0.5);
          assertThat(part(tensor, 2 * rows - 1)).isZero();
        }
      }
      column.getChild(0).putNull(rows - 1);
      assertThatThrownBy(() -> TestFeeds.feed(spec(DType.COMPLEX64, -1), COMPLEX, column, rows))
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
      try (NativeTensor tensor = TestFeeds.feed(spec(DType.COMPLEX64, -1, 1), arrays, column, 1)) {
        assertThat(Platform.getInt(null, tensor.address())).isEqualTo(0x7f800001);
        assertThat(Platform.getInt(null, tensor.address() + 4)).isEqualTo(0x80000000);
      }
    }
  }

  @Test
  void int4LeavesUpperBitsZero() {
    try (WritableColumnVector column = new OnHeapColumnVector(3, DataTypes.ByteType)) {
      column.appendByte((byte) -8);
      column.appendByte((byte) -1);
      column.appendByte((byte) 7);
      try (NativeTensor tensor =
          TestFeeds.feed(spec(DType.INT4, -1), DataTypes.ByteType, column, 3)) {
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
      assertThatThrownBy(
              () -> TestFeeds.feed(spec(DType.INT64, -1), DataTypes.LongType, column, 10))
          .isInstanceOf(UnsupportedOperationException.class);
    }
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

  private static Optional<BigDecimal> number(DType to, DataType type, ColumnVector column) {
    try (NativeTensor tensor = TestFeeds.feed(spec(to, -1), type, column, 1)) {
      return Optional.of(read(tensor).stripTrailingZeros());
    } catch (TensorArrowException e) {
      assertThat(e.code()).isEqualTo(ErrorCode.TA_CAST_OVERFLOW);
      return Optional.empty();
    }
  }

  private static double fractions(DType to, double value) {
    try (WritableColumnVector column = new OnHeapColumnVector(1, DataTypes.DoubleType)) {
      column.appendDouble(value);
      try (NativeTensor tensor = TestFeeds.feed(spec(to, -1), DataTypes.DoubleType, column, 1)) {
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
    return Float16Reference.toFloat(from, bits);
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
}
