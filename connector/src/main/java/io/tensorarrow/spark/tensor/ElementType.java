package io.tensorarrow.spark.tensor;

import java.util.Arrays;
import java.util.Comparator;
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
  BYTE(DType.INT8, MinorType.TINYINT, false),
  SHORT(DType.INT16, MinorType.SMALLINT, false),
  INT(DType.INT32, MinorType.INT, false),
  LONG(DType.INT64, MinorType.BIGINT, false),
  FLOAT(DType.FLOAT32, MinorType.FLOAT4, true),
  DOUBLE(DType.FLOAT64, MinorType.FLOAT8, true);

  private final DType dtype;
  private final MinorType arrowType;
  private final boolean floating;

  ElementType(DType dtype, MinorType arrowType, boolean floating) {
    this.dtype = dtype;
    this.arrowType = arrowType;
    this.floating = floating;
  }

  /** Finds the element type of a Spark type that is not an array. */
  static Optional<ElementType> of(DataType sparkType) {
    return Arrays.stream(values()).filter(t -> t.sparkType().equals(sparkType)).findFirst();
  }

  /** Finds the element type of a tensor. */
  static Optional<ElementType> of(DType dtype) {
    return Arrays.stream(values()).filter(t -> t.dtype == dtype).findFirst();
  }

  DataType sparkType() {
    return switch (this) {
      case BYTE -> DataTypes.ByteType;
      case SHORT -> DataTypes.ShortType;
      case INT -> DataTypes.IntegerType;
      case LONG -> DataTypes.LongType;
      case FLOAT -> DataTypes.FloatType;
      case DOUBLE -> DataTypes.DoubleType;
    };
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
            Comparator.<ElementType, Boolean>comparing(t -> t.floating != floating)
                .thenComparing(t -> Math.abs(t.byteSize() - byteSize())))
        .toList();
  }

  private boolean widensTo(ElementType to) {
    if (floating == to.floating) {
      return byteSize() <= to.byteSize();
    }
    // NumPy: any integer to double, also long, and what fits into a float's 24 bits to float.
    return to == DOUBLE || (to == FLOAT && byteSize() <= 2);
  }
}
