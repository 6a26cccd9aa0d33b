package io.tensorarrow.spark.tensor.feed;

import io.tensorarrow.spark.options.CastMode;
import io.tensorarrow.spark.tensor.DType;
import io.tensorarrow.spark.tensor.NumberKind;
import java.util.Optional;

/**
 * What decides to which types NumPy casts a type of numbers.
 *
 * @param kind NumPy's kind
 * @param digits how many binary digits, beside a sign, every value of that length can have. A cast
 *     is exact where the target has as many: an int16 (15) passes through a float32 (24 bits of
 *     mantissa), an int32 (31) does not, but passes through a float64 (53)
 */
record NumberType(NumberKind kind, int digits) {
  private static final int DOUBLE_DIGITS = DType.FLOAT64.digits();

  /** Finds the type of a tensor's numbers; empty for text, handles, quantized numbers and bits. */
  static Optional<NumberType> of(DType dtype) {
    return dtype.kind().map(kind -> new NumberType(kind, dtype.digits()));
  }

  /** Returns the first mode, from the strictest, in which {@code numpy.can_cast} allows a cast. */
  CastMode strictestModeTo(NumberType to) {
    if (kind.compareTo(to.kind) > 0) {
      return CastMode.UNSAFE;
    }
    // NumPy takes doubles for wide enough for any integer, also for 64 bits, which they round.
    return digits <= to.digits || to.digits == DOUBLE_DIGITS ? CastMode.SAFE : CastMode.SAME_KIND;
  }
}
