package io.tensorarrow.spark.tensor.feed;

import io.tensorarrow.spark.options.CastMode;
import io.tensorarrow.spark.tensor.DType;
import java.util.Optional;

/**
 * What decides to which types NumPy casts a type of numbers.
 *
 * @param kind NumPy's kind
 * @param digits how many binary digits, beside a sign, every value of that length can have
 */
record NumberType(Kind kind, int digits) {
  /** NumPy's kinds in NumPy's order: a cast within a kind or to a later one is of the same kind. */
  enum Kind {
    BOOL,
    UNSIGNED,
    SIGNED,
    FLOATING,
    COMPLEX
  }

  private static final int DOUBLE_DIGITS = 53;

  /** Finds the type of a tensor's numbers; empty for text, handles and raw bits. */
  static Optional<NumberType> of(DType dtype) {
    return switch (dtype) {
      case BOOL -> number(Kind.BOOL, 1);
      case UINT8 -> number(Kind.UNSIGNED, 8);
      case UINT16 -> number(Kind.UNSIGNED, 16);
      case UINT32 -> number(Kind.UNSIGNED, 32);
      case UINT64 -> number(Kind.UNSIGNED, 64);
      case INT8 -> number(Kind.SIGNED, 7);
      case INT16 -> number(Kind.SIGNED, 15);
      case INT32 -> number(Kind.SIGNED, 31);
      case INT64 -> number(Kind.SIGNED, 63);
      case BFLOAT16 -> number(Kind.FLOATING, 8);
      case FLOAT16 -> number(Kind.FLOATING, 11);
      case FLOAT32 -> number(Kind.FLOATING, 24);
      case FLOAT64 -> number(Kind.FLOATING, DOUBLE_DIGITS);
      case COMPLEX64 -> number(Kind.COMPLEX, 24);
      case COMPLEX128 -> number(Kind.COMPLEX, DOUBLE_DIGITS);
      case STRING,
          RESOURCE,
          VARIANT,
          QINT8,
          QUINT8,
          QINT16,
          QUINT16,
          QINT32,
          FLOAT8_E5M2,
          FLOAT8_E4M3FN,
          FLOAT8_E4M3FNUZ,
          FLOAT8_E4M3B11FNUZ,
          FLOAT8_E5M2FNUZ,
          INT4,
          UINT4 ->
          Optional.empty();
    };
  }

  private static Optional<NumberType> number(Kind kind, int digits) {
    return Optional.of(new NumberType(kind, digits));
  }

  /** Returns the first mode, from the strictest, in which {@code numpy.can_cast} allows a cast. */
  CastMode leastModeTo(NumberType to) {
    if (kind.compareTo(to.kind) > 0) {
      return CastMode.UNSAFE;
    }
    // NumPy takes doubles for wide enough for any integer.
    return digits <= to.digits || to.digits == DOUBLE_DIGITS ? CastMode.SAFE : CastMode.SAME_KIND;
  }
}
