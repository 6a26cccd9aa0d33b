package io.tensorarrow.spark.model.safety;

import io.tensorarrow.spark.tensor.DType;
import java.util.Optional;
import org.tensorflow.proto.TensorProto;
import org.tensorflow.proto.TensorShapeProto;

/** Checks shapes and constants; TensorFlow ends the process on some that make no sense. */
final class TensorCheck {
  /** TensorFlow's own limit. */
  private static final int MAX_RANK = 254;

  /** A constant may say "all the same"; it must not thereby fill the memory. */
  private static final long MAX_FILLED_BYTES = 1L << 30;

  private TensorCheck() {}

  /** Checks a shape that may be unknown or have unknown dimensions. */
  static void checkShape(TensorShapeProto shape, GraphLocation location) {
    if (shape.getUnknownRank() && shape.getDimCount() > 0) {
      throw location.malformed(
          "a shape of unknown rank with " + shape.getDimCount() + " dimensions",
          "one or the other");
    }
    if (shape.getDimCount() > MAX_RANK) {
      throw location.malformed(
          "a shape of rank " + shape.getDimCount(), "a rank of at most " + MAX_RANK);
    }
    long elements = 1;
    for (TensorShapeProto.Dim dim : shape.getDimList()) {
      long size = dim.getSize();
      if (size < -1) {
        throw location.malformed(
            "a dimension of " + size + " in a shape", "-1 for unknown, or 0 and more");
      }
      // An unknown dimension leaves the product of the known ones to be checked.
      if (size >= 0 && elements >= 0) {
        elements = multiply(elements, size, location);
      }
    }
  }

  private static long multiply(long elements, long size, GraphLocation location) {
    if (Math.multiplyHigh(elements, size) != 0 || elements * size < 0) {
      throw location.malformed(
          "a shape of more elements than fit into 64 bits", "sizes as TensorFlow writes them");
    }
    return elements * size;
  }

  /** Checks a constant: its shape, its dtype, and how many bytes or values it has. */
  static void checkTensor(TensorProto tensor, GraphLocation location) {
    TensorShapeProto shape = tensor.getTensorShape();
    checkShape(shape, location);
    if (shape.getUnknownRank() || shape.getDimList().stream().anyMatch(dim -> dim.getSize() < 0)) {
      throw location.malformed("a constant of unknown shape", "a shape with all its dimensions");
    }
    long elements = 1;
    for (TensorShapeProto.Dim dim : shape.getDimList()) {
      elements *= dim.getSize();
    }
    DType dtype =
        Optional.of(tensor.getDtypeValue())
            .filter(number -> !DtypeNumbers.isReference(number))
            .flatMap(DType::ofNumber)
            .orElseThrow(
                () ->
                    location.malformed(
                        "a constant of " + DtypeNumbers.name(tensor.getDtypeValue()),
                        "a dtype of TensorFlow 2.18"));
    tensor.getVariantValList().stream()
        .flatMap(variant -> variant.getTensorsList().stream())
        .forEach(inner -> checkTensor(inner, location));
    if (hasContent(tensor, dtype)) {
      checkContent(tensor.getTensorContent().size(), elements, dtype, location);
    } else {
      checkValues(values(tensor, dtype), elements, dtype, location);
    }
  }

  /** Strings and handles have no fixed size; TensorFlow checks them itself. */
  private static boolean hasContent(TensorProto tensor, DType dtype) {
    return !tensor.getTensorContent().isEmpty() && dtype != DType.STRING && dtype.byteSize() > 0;
  }

  private static void checkContent(long bytes, long elements, DType dtype, GraphLocation location) {
    if (Math.multiplyHigh(elements, dtype.byteSize()) != 0
        || elements * dtype.byteSize() != bytes) {
      throw location.malformed(
          "a constant with "
              + bytes
              + " bytes for "
              + elements
              + " elements of "
              + dtype.numpyName(),
          dtype.byteSize() + " bytes for each");
    }
  }

  private static void checkValues(long values, long elements, DType dtype, GraphLocation location) {
    // TensorFlow itself writes one value for a constant without elements.
    if (values > Math.max(1, elements)) {
      throw location.malformed(
          "a constant with " + values + " values for " + elements + " elements",
          "at most one value for each");
    }
    long size = Math.max(1, dtype.byteSize());
    if (values < elements && elements > MAX_FILLED_BYTES / size) {
      throw location.malformed(
          "a constant of "
              + elements
              + " elements of "
              + dtype.numpyName()
              + " made of "
              + values
              + " values",
          "at most " + MAX_FILLED_BYTES + " bytes made this way");
    }
  }

  /** Returns how many elements are listed one by one, in the field that is the dtype's own. */
  private static long values(TensorProto tensor, DType dtype) {
    return switch (dtype) {
      case FLOAT32 -> tensor.getFloatValCount();
      case FLOAT64 -> tensor.getDoubleValCount();
      case INT32, INT16, INT8, UINT8, UINT16, QINT8, QUINT8, QINT16, QUINT16, QINT32, INT4, UINT4 ->
          tensor.getIntValCount();
      case INT64 -> tensor.getInt64ValCount();
      case UINT32 -> tensor.getUint32ValCount();
      case UINT64 -> tensor.getUint64ValCount();
      case BOOL -> tensor.getBoolValCount();
      case FLOAT16, BFLOAT16 -> tensor.getHalfValCount();
      case FLOAT8_E5M2, FLOAT8_E4M3FN, FLOAT8_E4M3FNUZ, FLOAT8_E4M3B11FNUZ, FLOAT8_E5M2FNUZ ->
          tensor.getFloat8Val().size();
      case COMPLEX64 -> (tensor.getScomplexValCount() + 1) / 2;
      case COMPLEX128 -> (tensor.getDcomplexValCount() + 1) / 2;
      case STRING -> tensor.getStringValCount();
      case RESOURCE -> tensor.getResourceHandleValCount();
      case VARIANT -> tensor.getVariantValCount();
    };
  }
}
