package io.tensorarrow.spark.tensor.fetch;

import io.tensorarrow.spark.options.ColumnTypes;
import io.tensorarrow.spark.tensor.TensorShape;
import io.tensorarrow.spark.tensor.TensorSpec;
import java.util.Optional;
import org.apache.arrow.vector.types.Types.MinorType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;

/**
 * How the elements of an output look in Spark, and which of Spark's Arrow accessors reads them
 * where TensorFlow left them. Where none does, {@link WidenedElements} does.
 */
enum OutputElement {
  BYTE(DataTypes.ByteType, MinorType.TINYINT),
  SHORT(DataTypes.ShortType, MinorType.SMALLINT),
  INT(DataTypes.IntegerType, MinorType.INT),
  LONG(DataTypes.LongType, MinorType.BIGINT),
  FLOAT(DataTypes.FloatType, MinorType.FLOAT4),
  DOUBLE(DataTypes.DoubleType, MinorType.FLOAT8),
  /** One byte each, where Arrow has bits. */
  BOOLEAN(DataTypes.BooleanType),
  /** The lower half of a byte each. */
  INT4(DataTypes.ByteType),
  UINT4(DataTypes.ByteType),
  FLOAT16(DataTypes.FloatType),
  BFLOAT16(DataTypes.FloatType),
  UNSIGNED_BYTE(DataTypes.ShortType),
  UNSIGNED_SHORT(DataTypes.IntegerType),
  UNSIGNED_INT(DataTypes.LongType),
  UNSIGNED_LONG(DataTypes.createDecimalType(20, 0)),
  COMPLEX_FLOAT(complex(DataTypes.FloatType)),
  COMPLEX_DOUBLE(complex(DataTypes.DoubleType)),
  /** All bytes of a row as one value. */
  BYTES_OF_ROW(DataTypes.BinaryType, MinorType.VARBINARY),
  /** Copied, because TensorFlow keeps strings in a layout of its own. */
  TEXT(DataTypes.StringType, MinorType.VARCHAR),
  /** Copied like {@link #TEXT}, but not checked. */
  BINARY(DataTypes.BinaryType, MinorType.VARBINARY);

  // Spark's types never change, though nothing marks them so.
  @SuppressWarnings("ImmutableEnumChecker")
  private final DataType sparkType;

  private final Optional<MinorType> arrowType;

  OutputElement(DataType sparkType) {
    this.sparkType = sparkType;
    this.arrowType = Optional.empty();
  }

  OutputElement(DataType sparkType, MinorType arrowType) {
    this.sparkType = sparkType;
    this.arrowType = Optional.of(arrowType);
  }

  /**
   * Finds what the elements of an output become.
   *
   * @return empty for handles, which have no elements
   */
  static Optional<OutputElement> of(TensorSpec spec, ColumnTypes types) {
    return switch (spec.dtype()) {
      case INT8, QINT8 -> Optional.of(BYTE);
      case INT16, QINT16 -> Optional.of(SHORT);
      case INT32, QINT32 -> Optional.of(INT);
      case INT64 -> Optional.of(LONG);
      case FLOAT32 -> Optional.of(FLOAT);
      case FLOAT64 -> Optional.of(DOUBLE);
      case BOOL -> Optional.of(BOOLEAN);
      case FLOAT16 -> Optional.of(FLOAT16);
      case BFLOAT16 -> Optional.of(BFLOAT16);
      case UINT8 -> Optional.of(bytes(spec.shape(), types.bytes()));
      case QUINT8,
          FLOAT8_E5M2,
          FLOAT8_E4M3FN,
          FLOAT8_E4M3FNUZ,
          FLOAT8_E4M3B11FNUZ,
          FLOAT8_E5M2FNUZ ->
          Optional.of(UNSIGNED_BYTE);
      case INT4 -> Optional.of(INT4);
      case UINT4 -> Optional.of(UINT4);
      case UINT16, QUINT16 -> Optional.of(UNSIGNED_SHORT);
      case UINT32 -> Optional.of(UNSIGNED_INT);
      case UINT64 -> Optional.of(UNSIGNED_LONG);
      case COMPLEX64 -> Optional.of(COMPLEX_FLOAT);
      case COMPLEX128 -> Optional.of(COMPLEX_DOUBLE);
      case STRING -> Optional.of(strings(types.strings()));
      case RESOURCE, VARIANT -> Optional.empty();
    };
  }

  private static OutputElement bytes(TensorShape shape, ColumnTypes.Bytes bytes) {
    boolean scalar = shape.isRankKnown() && shape.dims().orElseThrow().size() <= 1;
    return switch (bytes) {
      case ARRAY -> UNSIGNED_BYTE;
      case BINARY -> scalar ? UNSIGNED_BYTE : BYTES_OF_ROW;
    };
  }

  private static OutputElement strings(ColumnTypes.Strings strings) {
    return switch (strings) {
      case STRING -> TEXT;
      case BINARY -> BINARY;
    };
  }

  private static StructType complex(DataType part) {
    return new StructType().add("re", part, false).add("im", part, false);
  }

  DataType sparkType() {
    return sparkType;
  }

  /** Returns the Spark type of a row with inner dimensions; elements are never null. */
  DataType sparkTypeOfRow() {
    return this == BYTES_OF_ROW ? sparkType : DataTypes.createArrayType(sparkType, false);
  }

  /** Returns the Arrow type that Spark reads; empty if Spark has no accessor for the elements. */
  Optional<MinorType> arrowType() {
    return arrowType;
  }
}
