package io.tensorarrow.spark.tensor;

import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * TensorFlow's element types, with the number that TensorFlow's protos and C API give them, NumPy's
 * name and the size of one element.
 *
 * <p>Source: {@code DataType} in TensorFlow's {@code types.proto}.
 */
public enum DType {
  FLOAT32(1, "float32", 4),
  FLOAT64(2, "float64", 8),
  INT32(3, "int32", 4),
  UINT8(4, "uint8", 1),
  INT16(5, "int16", 2),
  INT8(6, "int8", 1),
  STRING(7, "str", 24),
  COMPLEX64(8, "complex64", 8),
  INT64(9, "int64", 8),
  BOOL(10, "bool", 1),
  QINT8(11, "qint8", 1),
  QUINT8(12, "quint8", 1),
  QINT32(13, "qint32", 4),
  BFLOAT16(14, "bfloat16", 2),
  QINT16(15, "qint16", 2),
  QUINT16(16, "quint16", 2),
  UINT16(17, "uint16", 2),
  COMPLEX128(18, "complex128", 16),
  FLOAT16(19, "float16", 2),
  RESOURCE(20, "resource", 0),
  VARIANT(21, "variant", 0),
  UINT32(22, "uint32", 4),
  UINT64(23, "uint64", 8),
  FLOAT8_E5M2(24, "float8_e5m2", 1),
  FLOAT8_E4M3FN(25, "float8_e4m3fn", 1),
  FLOAT8_E4M3FNUZ(26, "float8_e4m3fnuz", 1),
  FLOAT8_E4M3B11FNUZ(27, "float8_e4m3b11fnuz", 1),
  FLOAT8_E5M2FNUZ(28, "float8_e5m2fnuz", 1),
  INT4(29, "int4", 1),
  UINT4(30, "uint4", 1);

  private static final int REFERENCE_OFFSET = 100;
  private static final Map<Integer, DType> BY_NUMBER =
      Arrays.stream(values()).collect(Collectors.toMap(DType::number, Function.identity()));

  private static final Map<String, DType> BY_NUMPY_NAME =
      Arrays.stream(values()).collect(Collectors.toMap(DType::numpyName, Function.identity()));

  private final int number;
  private final String numpyName;
  private final int byteSize;

  DType(int number, String numpyName, int byteSize) {
    this.number = number;
    this.numpyName = numpyName;
    this.byteSize = byteSize;
  }

  /** Returns the number of this dtype in TensorFlow's protos and C API. */
  public int number() {
    return number;
  }

  /**
   * Returns NumPy's name, as in {@code numpy.dtype(name)}; {@code ml_dtypes}' name where NumPy has
   * none.
   */
  public String numpyName() {
    return numpyName;
  }

  /**
   * Returns the bytes of one element in a tensor's memory; 0 for handles, which have no such
   * memory.
   */
  public int byteSize() {
    return byteSize;
  }

  /** Finds a dtype by its {@link #numpyName}; empty if there is none. */
  public static Optional<DType> ofNumpyName(String name) {
    return Optional.ofNullable(BY_NUMPY_NAME.get(name));
  }

  /**
   * Finds a dtype by TensorFlow's number. TF1's reference dtypes (100 more) are the dtype they
   * refer to.
   *
   * @param number the number in a proto or from the C API
   * @return the dtype, or empty for 0 (unset) and numbers of a newer TensorFlow
   */
  public static Optional<DType> ofNumber(int number) {
    int plain = number > REFERENCE_OFFSET ? number - REFERENCE_OFFSET : number;
    return Optional.ofNullable(BY_NUMBER.get(plain));
  }
}
