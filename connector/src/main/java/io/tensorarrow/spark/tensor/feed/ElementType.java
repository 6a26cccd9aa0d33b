package io.tensorarrow.spark.tensor.feed;

import io.tensorarrow.spark.options.CastMode;
import io.tensorarrow.spark.tensor.DType;
import io.tensorarrow.spark.tensor.feed.NumberType.Kind;
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
  BOOLEAN(DataTypes.BooleanType, Kind.BOOL, 1),
  BYTE(DataTypes.ByteType, Kind.SIGNED, 7),
  SHORT(DataTypes.ShortType, Kind.SIGNED, 15),
  INT(DataTypes.IntegerType, Kind.SIGNED, 31),
  LONG(DataTypes.LongType, Kind.SIGNED, 63),
  /** Decimals of any precision without a fraction. */
  DECIMAL(DataTypes.createDecimalType(20, 0), Kind.UNSIGNED, 64),
  FLOAT(DataTypes.FloatType, Kind.FLOATING, 24),
  DOUBLE(DataTypes.DoubleType, Kind.FLOATING, 53),
  COMPLEX_FLOAT(complex(DataTypes.FloatType), Kind.COMPLEX, 24),
  /** Pairs of which at least one part is a double. */
  COMPLEX_DOUBLE(complex(DataTypes.DoubleType), Kind.COMPLEX, 53),
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

  ElementType(DataType sparkType, Kind kind, int digits) {
    this.sparkType = sparkType;
    this.number = Optional.of(new NumberType(kind, digits));
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
   * Finds the element type that a tensor's own elements have in Spark, as an output: each of its
   * values is one of the tensor's, or out of its range.
   */
  static Optional<ElementType> own(DType dtype) {
    return switch (dtype) {
      case BOOL -> Optional.of(BOOLEAN);
      case INT8, QINT8, INT4, UINT4 -> Optional.of(BYTE);
      case INT16,
          QINT16,
          UINT8,
          QUINT8,
          FLOAT8_E5M2,
          FLOAT8_E4M3FN,
          FLOAT8_E4M3FNUZ,
          FLOAT8_E4M3B11FNUZ,
          FLOAT8_E5M2FNUZ ->
          Optional.of(SHORT);
      case INT32, QINT32, UINT16, QUINT16 -> Optional.of(INT);
      case INT64, UINT32 -> Optional.of(LONG);
      case UINT64 -> Optional.of(DECIMAL);
      case FLOAT16, BFLOAT16, FLOAT32 -> Optional.of(FLOAT);
      case FLOAT64 -> Optional.of(DOUBLE);
      case COMPLEX64 -> Optional.of(COMPLEX_FLOAT);
      case COMPLEX128 -> Optional.of(COMPLEX_DOUBLE);
      case STRING -> Optional.of(STRING);
      case RESOURCE, VARIANT -> Optional.empty();
    };
  }

  /** Returns the types that may be fed to a tensor in the given mode, closest first. */
  static List<ElementType> sources(DType to, CastMode mode) {
    ElementType own = own(to).orElseThrow();
    return Arrays.stream(values())
        .filter(t -> t.castsTo(to, mode))
        .sorted(
            Comparator.<ElementType, Boolean>comparing(t -> t != own)
                .thenComparing(t -> t.kind() != own.kind())
                .thenComparing(t -> Math.abs(t.digits() - own.digits())))
        .toList();
  }

  DataType sparkType() {
    return sparkType;
  }

  /** Returns whether a cast is allowed in the given mode. */
  boolean castsTo(DType to, CastMode mode) {
    return leastModeTo(to).filter(least -> least.compareTo(mode) <= 0).isPresent();
  }

  /**
   * Returns the first mode, from the strictest, that allows this cast, if any does: NumPy's rules
   * for numbers. Spark has no unsigned integers; columns of the types that unsigned tensors have as
   * outputs count as unsigned where such a tensor is fed. The imaginary part of a complex number is
   * never thrown away.
   */
  Optional<CastMode> leastModeTo(DType to) {
    Optional<NumberType> target = NumberType.of(to);
    if (target.isEmpty()) {
      boolean same = own(to).filter(own -> own == this).isPresent();
      return same || (this == BINARY && to == DType.STRING)
          ? Optional.of(CastMode.SAFE)
          : Optional.empty();
    }
    if (this == BYTE_OF_BINARY && to == DType.UINT8) {
      return Optional.of(CastMode.SAFE);
    }
    if (kind() == Kind.COMPLEX && target.get().kind() != Kind.COMPLEX) {
      return Optional.empty();
    }
    Optional<NumberType> source =
        target.get().kind() == Kind.UNSIGNED ? asUnsigned().or(() -> number) : number;
    return source.map(from -> from.leastModeTo(target.get()));
  }

  /** Finds the unsigned numbers that this type holds as outputs. */
  private Optional<NumberType> asUnsigned() {
    return Arrays.stream(DType.values())
        .filter(d -> own(d).filter(own -> own == this).isPresent())
        .flatMap(d -> NumberType.of(d).stream())
        .filter(n -> n.kind() == Kind.UNSIGNED)
        .findFirst();
  }

  /** Text sorts as if it were the simplest number. */
  private Kind kind() {
    return number.map(NumberType::kind).orElse(Kind.BOOL);
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
