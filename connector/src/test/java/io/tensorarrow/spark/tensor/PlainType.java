package io.tensorarrow.spark.tensor;

import java.util.Arrays;
import java.util.Optional;
import org.apache.arrow.vector.types.Types.MinorType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;

/** The element types that are the same bytes in Spark, Arrow and TensorFlow. */
public enum PlainType {
  BYTE(DataTypes.ByteType, DType.INT8, MinorType.TINYINT),
  SHORT(DataTypes.ShortType, DType.INT16, MinorType.SMALLINT),
  INT(DataTypes.IntegerType, DType.INT32, MinorType.INT),
  LONG(DataTypes.LongType, DType.INT64, MinorType.BIGINT),
  FLOAT(DataTypes.FloatType, DType.FLOAT32, MinorType.FLOAT4),
  DOUBLE(DataTypes.DoubleType, DType.FLOAT64, MinorType.FLOAT8);

  // Spark's types never change, though nothing marks them so.
  @SuppressWarnings("ImmutableEnumChecker")
  private final DataType sparkType;

  private final DType dtype;
  private final MinorType arrowType;

  PlainType(DataType sparkType, DType dtype, MinorType arrowType) {
    this.sparkType = sparkType;
    this.dtype = dtype;
    this.arrowType = arrowType;
  }

  public static Optional<PlainType> of(DataType sparkType) {
    return Arrays.stream(values()).filter(t -> t.sparkType.equals(sparkType)).findFirst();
  }

  public static Optional<PlainType> of(DType dtype) {
    return Arrays.stream(values()).filter(t -> t.dtype == dtype).findFirst();
  }

  public DataType sparkType() {
    return sparkType;
  }

  public DType dtype() {
    return dtype;
  }

  public MinorType arrowType() {
    return arrowType;
  }
}
