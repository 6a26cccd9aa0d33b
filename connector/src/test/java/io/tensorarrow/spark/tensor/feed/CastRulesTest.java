package io.tensorarrow.spark.tensor.feed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.options.CastMode;
import io.tensorarrow.spark.tensor.DType;
import io.tensorarrow.spark.tensor.NativeMemoryTestBase;
import io.tensorarrow.spark.tensor.NativeTensor;
import io.tensorarrow.spark.tensor.PlainType;
import io.tensorarrow.spark.tensor.TensorShape;
import io.tensorarrow.spark.tensor.TensorSpec;
import io.tensorarrow.spark.tensor.vector.RowSelection;
import io.tensorarrow.spark.tensor.vector.TestVectors;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;
import org.apache.spark.sql.vectorized.ColumnVector;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Which casts are allowed is NumPy's table; what they make of each value is checked against exact
 * arithmetic.
 */
final class CastRulesTest extends NativeMemoryTestBase {
  private static final List<PlainType> COLUMNS =
      List.of(
          PlainType.BYTE,
          PlainType.SHORT,
          PlainType.INT,
          PlainType.LONG,
          PlainType.FLOAT,
          PlainType.DOUBLE);

  @ParameterizedTest
  @EnumSource(CastMode.class)
  void castModesMatchNumPy(CastMode mode) {
    for (PlainType from : COLUMNS) {
      for (PlainType to : COLUMNS) {
        boolean allowed = numpysMode(from, to).compareTo(mode) <= 0;
        assertThat(accepts(from, to, mode)).as("%s to %s, %s", from, to, mode).isEqualTo(allowed);
      }
    }
  }

  @Test
  void forbiddenCastNamesAllowingModeAndClosestTypes() {
    assertThatThrownBy(
            () ->
                ColumnFeeder.create(
                    spec(DType.INT32, -1),
                    "price",
                    PlainType.DOUBLE.sparkType(),
                    CastMode.SAME_KIND))
        .isInstanceOfSatisfying(
            TensorArrowException.class,
            e -> assertThat(e.code()).isEqualTo(ErrorCode.TA_INPUT_TYPE))
        .hasMessageContainingAll("'price'", "'t' int32 (-1,)", "found type double")
        .hasMessageContaining("expected elements of type int, smallint, tinyint, bigint")
        .hasMessageContaining("cast=unsafe");
  }

  @ParameterizedTest
  @MethodSource("pairs")
  void valuesAreConvertedExactlyOrRefused(PlainType from, PlainType to) {
    for (Number value : candidates(from)) {
      Optional<Number> expected = convert(value, to);
      assertThat(feedOne(from, to, value)).as("%s %s to %s", from, value, to).isEqualTo(expected);
    }
  }

  @Test
  void overflowNamesRowButNotValue() {
    ColumnFeeder feeder =
        ColumnFeeder.create(
            spec(DType.INT8, -1, 2),
            "codes",
            TestVectors.type(PlainType.LONG, 1),
            CastMode.SAME_KIND);
    List<List<Long>> rows =
        List.of(List.of(1L, 2L), List.of(3L, 4L), List.of(5L, 987654L), List.of(0L, 0L));
    try (ColumnVector column =
        TestVectors.of(
            TestVectors.Kind.ON_HEAP, TestVectors.type(PlainType.LONG, 1), rows, allocator)) {
      assertThatThrownBy(() -> feeder.feed(column, RowSelection.of(new int[] {0, 2, 3}, 3)))
          .isInstanceOfSatisfying(
              TensorArrowException.class,
              e -> assertThat(e.code()).isEqualTo(ErrorCode.TA_CAST_OVERFLOW))
          .hasMessageContainingAll("'codes'", "'t' int8 (-1, 2)", "bigint", "row 2 ", "int8")
          .hasMessageNotContaining("987654");
    }
  }

  @Test
  void overflowLateInLongBatchNamesRow() {
    int bad = 2 * ElementCopier.PIECE + 5;
    List<Integer> rows = new ArrayList<>(Collections.nCopies(bad + 10, 7));
    rows.set(bad, 40_000);
    ColumnFeeder feeder =
        ColumnFeeder.create(
            spec(DType.INT16, -1), "c", PlainType.INT.sparkType(), CastMode.SAME_KIND);
    try (ColumnVector column =
        TestVectors.of(TestVectors.Kind.OFF_HEAP, PlainType.INT.sparkType(), rows, allocator)) {
      assertThatThrownBy(() -> feeder.feed(column, RowSelection.range(3, rows.size() - 3)))
          .hasMessageContaining("row " + bad + " of the batch");
    }
  }

  static Stream<Object[]> pairs() {
    return COLUMNS.stream().flatMap(from -> COLUMNS.stream().map(to -> new Object[] {from, to}));
  }

  /**
   * The strictest {@code casting} for which {@code numpy.can_cast(row, column, casting)} is true:
   * s(afe), k (same_kind) or u(nsafe).
   */
  private static String numpysRow(PlainType from) {
    return switch (from) {
      //               i8 i16 i32 i64 f32 f64
      case BYTE -> "   s  s   s   s   s   s";
      case SHORT -> "  k  s   s   s   s   s";
      case INT -> "    k  k   s   s   k   s";
      case LONG -> "   k  k   k   s   k   s";
      case FLOAT -> "  u  u   u   u   s   s";
      case DOUBLE -> " u  u   u   u   k   s";
    };
  }

  private static CastMode numpysMode(PlainType from, PlainType to) {
    String[] row = numpysRow(from).trim().split(" +");
    return switch (row[COLUMNS.indexOf(to)]) {
      case "s" -> CastMode.SAFE;
      case "k" -> CastMode.SAME_KIND;
      case "u" -> CastMode.UNSAFE;
      default -> throw new IllegalStateException(Arrays.toString(row));
    };
  }

  private static boolean accepts(PlainType from, PlainType to, CastMode mode) {
    try {
      ColumnFeeder.create(
          new TensorSpec("t", to.dtype(), TensorShape.of(-1)), "c", from.sparkType(), mode);
      return true;
    } catch (TensorArrowException e) {
      assertThat(e.code()).isEqualTo(ErrorCode.TA_INPUT_TYPE);
      assertThat(e.getMessage())
          .contains("cast=" + numpysMode(from, to).name().toLowerCase(Locale.ROOT));
      return false;
    }
  }

  /**
   * Values around every border that a conversion may have, as far as {@code from} can hold them.
   */
  private static List<Number> candidates(PlainType from) {
    List<Number> candidates = new ArrayList<>();
    for (double near :
        new double[] {
          0, 0x1p7, 0x1p8, 0x1p15, 0x1p16, 0x1p24, 0x1p31, 0x1p32, 0x1p53, 0x1p63, 0x1p64, 0x1p127
        }) {
      for (double offset : new double[] {-1.5, -1, -0.5, 0, 0.5, 1, 1.5}) {
        for (double value : new double[] {near + offset, -near + offset}) {
          if (from == PlainType.FLOAT) {
            candidates.add((float) value);
          } else if (from == PlainType.DOUBLE) {
            candidates.add(value);
            candidates.add(Math.nextUp(value));
            candidates.add(Math.nextDown(value));
          } else {
            convert(value, from).ifPresent(candidates::add);
          }
        }
      }
    }
    if (from == PlainType.LONG) {
      candidates.addAll(
          List.of(
              Long.MAX_VALUE, Long.MIN_VALUE, (1L << 53) + 1, (1L << 24) + 1, 0x7fffffbfffffffffL));
    }
    if (from == PlainType.FLOAT) {
      candidates.addAll(
          List.of(
              Float.NaN,
              Float.POSITIVE_INFINITY,
              Float.NEGATIVE_INFINITY,
              Float.MAX_VALUE,
              -Float.MAX_VALUE,
              Float.MIN_VALUE,
              -0f));
    }
    if (from == PlainType.DOUBLE) {
      candidates.addAll(
          List.of(
              Double.NaN,
              Double.POSITIVE_INFINITY,
              Double.NEGATIVE_INFINITY,
              Double.MAX_VALUE,
              -Double.MAX_VALUE,
              (double) Float.MAX_VALUE,
              Float.MAX_VALUE + 0x1p103,
              Math.nextDown(Float.MAX_VALUE + 0x1p103),
              -Float.MAX_VALUE - 0x1p103,
              0x1p128,
              Double.MIN_VALUE,
              -0.0));
    }
    return candidates;
  }

  /** The reference: what the value becomes, or nothing if it does not fit. */
  private static Optional<Number> convert(Number value, PlainType to) {
    double asDouble = value.doubleValue();
    if (Double.isNaN(asDouble) || Double.isInfinite(asDouble)) {
      return switch (to) {
        case FLOAT -> Optional.of((float) asDouble);
        case DOUBLE -> Optional.of(asDouble);
        case BYTE, SHORT, INT, LONG -> Optional.empty();
      };
    }
    if (value instanceof Float || value instanceof Double) {
      if (to == PlainType.DOUBLE) {
        return Optional.of(asDouble);
      }
      if (to == PlainType.FLOAT) {
        // The largest double that still rounds to a float is half a step above it.
        boolean fits = Math.abs(asDouble) < Float.MAX_VALUE + 0x1p103;
        return fits ? Optional.of((float) asDouble) : Optional.empty();
      }
    }
    BigInteger whole =
        value instanceof Float || value instanceof Double
            ? new BigDecimal(asDouble).toBigInteger()
            : BigInteger.valueOf(value.longValue());
    return switch (to) {
      case BYTE -> within(whole, 8).map(BigInteger::byteValueExact);
      case SHORT -> within(whole, 16).map(BigInteger::shortValueExact);
      case INT -> within(whole, 32).map(BigInteger::intValueExact);
      case LONG -> within(whole, 64).map(BigInteger::longValueExact);
      case FLOAT -> Optional.of(whole.floatValue());
      case DOUBLE -> Optional.of(whole.doubleValue());
    };
  }

  private static Optional<BigInteger> within(BigInteger value, int bits) {
    return value.bitLength() < bits ? Optional.of(value) : Optional.empty();
  }

  private Optional<Number> feedOne(PlainType from, PlainType to, Number value) {
    ColumnFeeder feeder =
        ColumnFeeder.create(
            new TensorSpec("t", to.dtype(), TensorShape.of(-1)),
            "c",
            from.sparkType(),
            CastMode.UNSAFE);
    try (ColumnVector column =
            TestVectors.of(TestVectors.Kind.ON_HEAP, from.sparkType(), List.of(value), allocator);
        NativeTensor tensor = feeder.feed(column, RowSelection.range(0, 1))) {
      return Optional.of(RoundTripTest.elements(tensor).get(0));
    } catch (TensorArrowException e) {
      assertThat(e.code()).isEqualTo(ErrorCode.TA_CAST_OVERFLOW);
      return Optional.empty();
    }
  }
}
