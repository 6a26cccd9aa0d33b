package io.tensorarrow.spark.tensor;

import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * TensorFlow's element types: the one table of what they are in TensorFlow, in Spark and in NumPy.
 * The table in {@code connector/docs/types.md} and {@code tensorarrow/_dtype_table.py} are
 * generated from it.
 *
 * <p>Numbers: {@code DataType} in TensorFlow's {@code types.proto}. The order is that of messages
 * and documentation.
 */
public enum DType {
  FLOAT32(1, "float32", 4, SparkElement.FLOAT, Layout.SPARK, NumberKind.FLOATING, 24),
  FLOAT64(2, "float64", 8, SparkElement.DOUBLE, Layout.SPARK, NumberKind.FLOATING, 53),
  INT8(6, "int8", 1, SparkElement.BYTE, Layout.SPARK, NumberKind.SIGNED, 7),
  INT16(5, "int16", 2, SparkElement.SHORT, Layout.SPARK, NumberKind.SIGNED, 15),
  INT32(3, "int32", 4, SparkElement.INT, Layout.SPARK, NumberKind.SIGNED, 31),
  INT64(9, "int64", 8, SparkElement.LONG, Layout.SPARK, NumberKind.SIGNED, 63),
  /** One byte each, where Arrow has bits. */
  BOOL(10, "bool", 1, SparkElement.BOOLEAN, Layout.NUMPY, NumberKind.BOOL, 1),
  FLOAT16(19, "float16", 2, SparkElement.FLOAT, Layout.NUMPY, NumberKind.FLOATING, 11),
  BFLOAT16(14, "bfloat16", 2, SparkElement.FLOAT, Layout.NUMPY, NumberKind.FLOATING, 8),
  UINT8(4, "uint8", 1, SparkElement.SHORT, Layout.NUMPY, NumberKind.UNSIGNED, 8),
  UINT16(17, "uint16", 2, SparkElement.INT, Layout.NUMPY, NumberKind.UNSIGNED, 16),
  UINT32(22, "uint32", 4, SparkElement.LONG, Layout.NUMPY, NumberKind.UNSIGNED, 32),
  UINT64(23, "uint64", 8, SparkElement.DECIMAL, Layout.NUMPY, NumberKind.UNSIGNED, 64),
  COMPLEX64(8, "complex64", 8, SparkElement.COMPLEX_FLOAT, Layout.NUMPY, NumberKind.COMPLEX, 24),
  COMPLEX128(
      18, "complex128", 16, SparkElement.COMPLEX_DOUBLE, Layout.NUMPY, NumberKind.COMPLEX, 53),
  QINT8(11, "qint8", 1, SparkElement.BYTE, Layout.SPARK, "int8"),
  QUINT8(12, "quint8", 1, SparkElement.SHORT, Layout.NUMPY, "uint8"),
  QINT16(15, "qint16", 2, SparkElement.SHORT, Layout.SPARK, "int16"),
  QUINT16(16, "quint16", 2, SparkElement.INT, Layout.NUMPY, "uint16"),
  QINT32(13, "qint32", 4, SparkElement.INT, Layout.SPARK, "int32"),
  // An 8-bit float is its bits, as no number of Spark's is one.
  FLOAT8_E5M2(24, "float8_e5m2", 1, SparkElement.SHORT, Layout.NUMPY, "uint8"),
  FLOAT8_E4M3FN(25, "float8_e4m3fn", 1, SparkElement.SHORT, Layout.NUMPY, "uint8"),
  FLOAT8_E4M3FNUZ(26, "float8_e4m3fnuz", 1, SparkElement.SHORT, Layout.NUMPY, "uint8"),
  FLOAT8_E4M3B11FNUZ(27, "float8_e4m3b11fnuz", 1, SparkElement.SHORT, Layout.NUMPY, "uint8"),
  FLOAT8_E5M2FNUZ(28, "float8_e5m2fnuz", 1, SparkElement.SHORT, Layout.NUMPY, "uint8"),
  /** In the lower half of a byte; TensorFlow leaves the upper half zero. */
  INT4(29, "int4", 1, SparkElement.BYTE, Layout.TENSORFLOW, "int8"),
  UINT4(30, "uint4", 1, SparkElement.BYTE, Layout.TENSORFLOW, "uint8"),
  STRING(7, "str", 24, SparkElement.STRING, Layout.TENSORFLOW, "object"),
  RESOURCE(20, "resource"),
  VARIANT(21, "variant");

  /** Who can read native elements, the bytes in a tensor's memory, where they are. */
  public enum Layout {
    /** Spark and NumPy. */
    SPARK,
    /** NumPy; Spark has another type, to which each element is converted when Spark reads it. */
    NUMPY,
    /** TensorFlow alone. */
    TENSORFLOW
  }

  private static final int REFERENCE_OFFSET = 100;
  private static final int BITS_OF_INT4 = 4;

  private static final Map<Integer, DType> BY_NUMBER =
      Arrays.stream(values()).collect(Collectors.toMap(DType::number, Function.identity()));

  private static final Map<String, DType> BY_NUMPY_NAME =
      Arrays.stream(values()).collect(Collectors.toMap(DType::numpyName, Function.identity()));

  private final int number;
  private final String numpyName;
  private final int byteSize;
  private final @Nullable SparkElement sparkElement;
  private final Layout layout;
  private final String arrayDtype;
  private final @Nullable NumberKind kind;
  private final int digits;

  /** A number of NumPy's. */
  DType(
      int number,
      String numpyName,
      int byteSize,
      SparkElement sparkElement,
      Layout layout,
      NumberKind kind,
      int digits) {
    this(number, numpyName, byteSize, sparkElement, layout, numpyName, kind, digits);
  }

  /** Elements that NumPy has only as those of another dtype. */
  DType(
      int number,
      String numpyName,
      int byteSize,
      SparkElement sparkElement,
      Layout layout,
      String arrayDtype) {
    this(number, numpyName, byteSize, sparkElement, layout, arrayDtype, null, 0);
  }

  /** Handles, which have no elements. */
  DType(int number, String numpyName) {
    this(number, numpyName, 0, null, Layout.TENSORFLOW, "", null, 0);
  }

  DType(
      int number,
      String numpyName,
      int byteSize,
      @Nullable SparkElement sparkElement,
      Layout layout,
      String arrayDtype,
      @Nullable NumberKind kind,
      int digits) {
    this.number = number;
    this.numpyName = numpyName;
    this.byteSize = byteSize;
    this.sparkElement = sparkElement;
    this.layout = layout;
    this.arrayDtype = arrayDtype;
    this.kind = kind;
    this.digits = digits;
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

  /** Returns how many bits of an element hold its value: 4 of the 8 bits of int4 and uint4. */
  public int bitSize() {
    return this == INT4 || this == UINT4 ? BITS_OF_INT4 : Byte.SIZE * byteSize;
  }

  /** Returns what the elements are in Spark; empty for handles, which cannot be there. */
  public Optional<SparkElement> sparkElement() {
    return Optional.ofNullable(sparkElement);
  }

  /** Returns who can read the elements where they are. */
  public Layout layout() {
    return layout;
  }

  /**
   * Returns the name of the dtype that arrays of the elements have in NumPy, for the generated
   * tables; empty for handles.
   */
  public String arrayDtype() {
    return arrayDtype;
  }

  /**
   * Returns the kind by which NumPy decides about casts; empty for what is no number of NumPy's.
   */
  public Optional<NumberKind> kind() {
    return Optional.ofNullable(kind);
  }

  /**
   * Returns how many binary digits, beside a sign, every value of that length can have: all bits of
   * an integer but the sign, the mantissa of a floating point number with its hidden bit. 0 for
   * what is no number of NumPy's.
   */
  public int digits() {
    return digits;
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
