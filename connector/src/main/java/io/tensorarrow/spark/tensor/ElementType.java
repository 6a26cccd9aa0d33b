package io.tensorarrow.spark.tensor;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.apache.arrow.vector.types.Types.MinorType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;

/**
 * The element types that are the same bytes in Spark, Arrow and TensorFlow, and NumPy's rules for
 * casts between them.
 */
enum ElementType {
  BYTE(DataTypes.ByteType, DType.INT8, MinorType.TINYINT, false),
  SHORT(DataTypes.ShortType, DType.INT16, MinorType.SMALLINT, false),
  INT(DataTypes.IntegerType, DType.INT32, MinorType.INT, false),
  LONG(DataTypes.LongType, DType.INT64, MinorType.BIGINT, false),
  FLOAT(DataTypes.FloatType, DType.FLOAT32, MinorType.FLOAT4, true),
  DOUBLE(DataTypes.DoubleType, DType.FLOAT64, MinorType.FLOAT8, true);

  private final DataType sparkType;
  private final DType dtype;
  private final MinorType arrowType;
  private final boolean floating;

  ElementType(DataType sparkType, DType dtype, MinorType arrowType, boolean floating) {
    this.sparkType = sparkType;
    this.dtype = dtype;
    this.arrowType = arrowType;
    this.floating = floating;
  }

  /** Finds the element type of a Spark type that is not an array. */
  static Optional<ElementType> of(DataType sparkType) {
    return Arrays.stream(values()).filter(t -> t.sparkType.equals(sparkType)).findFirst();
  }

  /** Finds the element type of a tensor. */
  static Optional<ElementType> of(DType dtype) {
    return Arrays.stream(values()).filter(t -> t.dtype == dtype).findFirst();
  }

  DataType sparkType() {
    return sparkType;
  }

  DType dtype() {
    return dtype;
  }

  MinorType arrowType() {
    return arrowType;
  }

  boolean floating() {
    return floating;
  }

  int byteSize() {
    return dtype.byteSize();
  }

  /** Returns whether NumPy's {@code can_cast} allows this cast in the given mode. */
  boolean castsTo(ElementType to, CastMode mode) {
    return switch (mode) {
      case SAFE -> widensTo(to);
      case SAME_KIND -> !floating || to.floating;
      case UNSAFE -> true;
    };
  }

  /** Returns the first mode, from the strictest, that allows this cast. */
  CastMode leastModeTo(ElementType to) {
    return Arrays.stream(CastMode.values()).filter(m -> castsTo(to, m)).findFirst().orElseThrow();
  }

  /** Returns the types that may be fed to this one in the given mode, closest first. */
  List<ElementType> sources(CastMode mode) {
    return Arrays.stream(values())
        .filter(t -> t.castsTo(this, mode))
        .sorted(
            (a, b) -> {
              int kind = Boolean.compare(a.floating != floating, b.floating != floating);
              int size = Integer.compare(distance(a), distance(b));
              return kind != 0 ? kind : size;
            })
        .toList();
  }

  private int distance(ElementType other) {
    return Math.abs(other.ordinal() - ordinal());
  }

  private boolean widensTo(ElementType to) {
    if (floating == to.floating) {
      return byteSize() <= to.byteSize();
    }
    // NumPy: any integer to double, also long, and what fits into a float's 24 bits to float.
    return to == DOUBLE || (to == FLOAT && byteSize() <= 2);
  }
}
