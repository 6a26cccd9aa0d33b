package io.tensorarrow.spark.tensor.feed;

import io.tensorarrow.spark.options.CastMode;
import io.tensorarrow.spark.tensor.DType;
import io.tensorarrow.spark.tensor.NumberKind;
import io.tensorarrow.spark.tensor.SparkElement;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.DecimalType;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;

/** The elements that columns may have, and the tensors that they can be fed to. */
enum ElementType {
  BOOLEAN(DataTypes.BooleanType, DType.BOOL),
  BYTE(DataTypes.ByteType, DType.INT8),
  SHORT(DataTypes.ShortType, DType.INT16),
  INT(DataTypes.IntegerType, DType.INT32),
  LONG(DataTypes.LongType, DType.INT64),
  /** Decimals of any precision without a fraction. */
  DECIMAL(DataTypes.createDecimalType(20, 0), DType.UINT64),
  FLOAT(DataTypes.FloatType, DType.FLOAT32),
  DOUBLE(DataTypes.DoubleType, DType.FLOAT64),
  COMPLEX_FLOAT(complex(DataTypes.FloatType), DType.COMPLEX64),
  /** Pairs of which at least one part is a double. */
  COMPLEX_DOUBLE(complex(DataTypes.DoubleType), DType.COMPLEX128),
  STRING(DataTypes.StringType),
  BINARY(DataTypes.BinaryType),
  /** The bytes of a BINARY one by one, as an array of them. */
  BYTE_OF_BINARY(DataTypes.BinaryType);

  private static final String RE = "re";
  private static final String IM = "im";

  // Neither ever changes, though nothing marks Spark's types so.
  @SuppressWarnings("ImmutableEnumChecker")
  private final DataType sparkType;

  @SuppressWarnings("ImmutableEnumChecker")
  private final Optional<NumberType> number;

  ElementType(DataType sparkType) {
    this.sparkType = sparkType;
    this.number = Optional.empty();
  }

  /** Elements that are the numbers of a dtype, exactly. */
  ElementType(DataType sparkType, DType sameNumbers) {
    this.sparkType = sparkType;
    this.number = NumberType.of(sameNumbers);
  }

  /** Finds the element type of a Spark type that is not an array. */
  static Optional<ElementType> of(DataType type) {
    if (type instanceof DecimalType decimal) {
      return decimal.scale() == 0 ? Optional.of(DECIMAL) : Optional.empty();
    }
    if (type instanceof StructType struct) {
      return complexType(struct);
    }
    return Arrays.stream(values()).filter(t -> t.sparkType.equals(type)).findFirst();
  }

  /** Returns the place of the real part in a struct that is a complex number. */
  static int realPart(StructType struct) {
    return RE.equalsIgnoreCase(struct.apply(0).name()) ? 0 : 1;
  }

  /**
   * Finds the element type that a tensor's elements have in Spark as an output: each of its values
   * is one of the tensor's, or out of its range.
   */
  static Optional<ElementType> ofOutput(DType dtype) {
    return dtype.sparkElement().map(ElementType::of);
  }

  private static ElementType of(SparkElement element) {
    return switch (element) {
      case BOOLEAN -> BOOLEAN;
      case BYTE -> BYTE;
      case SHORT -> SHORT;
      case INT -> INT;
      case LONG -> LONG;
      case DECIMAL -> DECIMAL;
      case FLOAT -> FLOAT;
      case DOUBLE -> DOUBLE;
      case COMPLEX_FLOAT -> COMPLEX_FLOAT;
      case COMPLEX_DOUBLE -> COMPLEX_DOUBLE;
      case STRING -> STRING;
    };
  }

  /** Returns the types that may be fed to a tensor in the given mode, closest first. */
  static List<ElementType> sources(DType to, CastMode mode) {
    ElementType outputType = ofOutput(to).orElseThrow();
    return Arrays.stream(values())
        .filter(type -> type.castsTo(to, mode))
        .sorted(
            Comparator.<ElementType, Boolean>comparing(type -> type != outputType)
                .thenComparing(type -> type.kind() != outputType.kind())
                .thenComparing(type -> Math.abs(type.digits() - outputType.digits())))
        .toList();
  }

  DataType sparkType() {
    return sparkType;
  }

  /** Returns whether a cast is allowed in the given mode. */
  boolean castsTo(DType to, CastMode mode) {
    return strictestModeTo(to).filter(strictest -> strictest.compareTo(mode) <= 0).isPresent();
  }

  /**
   * Returns the first mode, from the strictest, that allows this cast, if any does: NumPy's rules
   * for numbers. Spark has no unsigned integers; columns of the types that unsigned tensors have as
   * outputs count as unsigned where such a tensor is fed. The imaginary part of a complex number is
   * never thrown away.
   */
  Optional<CastMode> strictestModeTo(DType to) {
    Optional<NumberType> target = NumberType.of(to);
    if (target.isEmpty()) {
      boolean same = ofOutput(to).equals(Optional.of(this));
      return same || (this == BINARY && to == DType.STRING)
          ? Optional.of(CastMode.SAFE)
          : Optional.empty();
    }
    if (this == BYTE_OF_BINARY && to == DType.UINT8) {
      return Optional.of(CastMode.SAFE);
    }
    if (kind() == NumberKind.COMPLEX && target.get().kind() != NumberKind.COMPLEX) {
      return Optional.empty();
    }
    Optional<NumberType> source =
        target.get().kind() == NumberKind.UNSIGNED ? asUnsigned().or(() -> number) : number;
    return source.map(from -> from.strictestModeTo(target.get()));
  }

  /** Finds the unsigned numbers that this type holds as outputs. */
  private Optional<NumberType> asUnsigned() {
    return Arrays.stream(DType.values())
        .filter(dtype -> ofOutput(dtype).equals(Optional.of(this)))
        .flatMap(dtype -> NumberType.of(dtype).stream())
        .filter(number -> number.kind() == NumberKind.UNSIGNED)
        .findFirst();
  }

  /** Text sorts as if it were the simplest number. */
  private NumberKind kind() {
    return number.map(NumberType::kind).orElse(NumberKind.BOOL);
  }

  private int digits() {
    return number.map(NumberType::digits).orElse(0);
  }

  private static Optional<ElementType> complexType(StructType struct) {
    if (struct.size() != 2) {
      return Optional.empty();
    }
    int re = realPart(struct);
    StructField real = struct.apply(re);
    StructField imaginary = struct.apply(1 - re);
    if (!RE.equalsIgnoreCase(real.name()) || !IM.equalsIgnoreCase(imaginary.name())) {
      return Optional.empty();
    }
    List<DataType> parts = List.of(real.dataType(), imaginary.dataType());
    if (!List.of(DataTypes.FloatType, DataTypes.DoubleType).containsAll(parts)) {
      return Optional.empty();
    }
    return Optional.of(parts.contains(DataTypes.DoubleType) ? COMPLEX_DOUBLE : COMPLEX_FLOAT);
  }

  private static StructType complex(DataType part) {
    return new StructType().add(RE, part).add(IM, part);
  }
}
