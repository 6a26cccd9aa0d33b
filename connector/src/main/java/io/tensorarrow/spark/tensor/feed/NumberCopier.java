package io.tensorarrow.spark.tensor.feed;

import io.tensorarrow.spark.tensor.DType;
import java.math.BigInteger;
import org.apache.spark.sql.types.Decimal;
import org.apache.spark.sql.types.DecimalType;
import org.apache.spark.sql.vectorized.ColumnVector;

/**
 * Converts numbers. Each passes through a type that holds it exactly: integers through a long,
 * fractions through a double, long decimals through a {@link BigInteger}.
 */
final class NumberCopier extends ElementCopier {
  private final ElementType source;
  private final NumberWriter writer;
  private final long[] integers = new long[PIECE];
  private final double[] fractions = new double[PIECE];

  NumberCopier(ElementType source, DType to) {
    this.source = source;
    this.writer = NumberWriter.of(to);
  }

  @Override
  int targetSize() {
    return writer.targetSize();
  }

  @Override
  int copyPiece(ColumnVector from, int start, int count, long address) {
    return switch (source) {
      case BOOLEAN, BYTE, SHORT, INT, LONG -> {
        readIntegers(from, start, count);
        yield writer.write(integers, count, address);
      }
      case FLOAT, DOUBLE -> {
        readFractions(from, start, count, fractions, 0, 1);
        yield writer.write(fractions, count, address);
      }
      case DECIMAL -> copyDecimals(from, start, count, address);
      case COMPLEX_FLOAT, COMPLEX_DOUBLE, STRING, BINARY, BYTE_OF_BINARY -> throw noNumber(source);
    };
  }

  /**
   * Reads floats or doubles.
   *
   * @param offset where the first one goes in {@code into}
   * @param step how far the next one is from it
   */
  static void readFractions(
      ColumnVector from, int start, int count, double[] into, int offset, int step) {
    switch (ElementType.of(from.dataType()).orElseThrow()) {
      case FLOAT -> {
        for (int i = 0; i < count; i++) {
          into[offset + step * i] = Rounding.widened(from.getFloat(start + i));
        }
      }
      case DOUBLE -> {
        for (int i = 0; i < count; i++) {
          into[offset + step * i] = from.getDouble(start + i);
        }
      }
      case BOOLEAN,
          BYTE,
          SHORT,
          INT,
          LONG,
          DECIMAL,
          COMPLEX_FLOAT,
          COMPLEX_DOUBLE,
          STRING,
          BINARY,
          BYTE_OF_BINARY ->
          throw new IllegalStateException("not floating point: " + from.dataType());
    }
  }

  private void readIntegers(ColumnVector from, int start, int count) {
    switch (source) {
      case BOOLEAN -> {
        for (int i = 0; i < count; i++) {
          integers[i] = from.getBoolean(start + i) ? 1 : 0;
        }
      }
      case BYTE -> {
        for (int i = 0; i < count; i++) {
          integers[i] = from.getByte(start + i);
        }
      }
      case SHORT -> {
        for (int i = 0; i < count; i++) {
          integers[i] = from.getShort(start + i);
        }
      }
      case INT -> {
        for (int i = 0; i < count; i++) {
          integers[i] = from.getInt(start + i);
        }
      }
      case LONG -> {
        for (int i = 0; i < count; i++) {
          integers[i] = from.getLong(start + i);
        }
      }
      case DECIMAL, FLOAT, DOUBLE, COMPLEX_FLOAT, COMPLEX_DOUBLE, STRING, BINARY, BYTE_OF_BINARY ->
          throw noNumber(source);
    }
  }

  private int copyDecimals(ColumnVector from, int start, int count, long address) {
    int precision = ((DecimalType) from.dataType()).precision();
    if (precision <= Decimal.MAX_LONG_DIGITS()) {
      for (int i = 0; i < count; i++) {
        integers[i] = from.getDecimal(start + i, precision, 0).toUnscaledLong();
      }
      return writer.write(integers, count, address);
    }
    BigInteger[] large = new BigInteger[count];
    for (int i = 0; i < count; i++) {
      large[i] = from.getDecimal(start + i, precision, 0).toJavaBigDecimal().unscaledValue();
    }
    return writer.write(large, address);
  }

  private static IllegalStateException noNumber(ElementType type) {
    return new IllegalStateException("not such a number: " + type);
  }
}
