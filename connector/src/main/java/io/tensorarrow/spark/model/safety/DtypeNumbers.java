package io.tensorarrow.spark.model.safety;

import java.util.List;
import org.tensorflow.proto.DataType;

/**
 * TensorFlow's numbers of dtypes as they stand in graphs: plain ones, reference dtypes of TF1, and
 * 0 for a dtype that can't be known.
 */
final class DtypeNumbers {
  private static final int REFERENCE_OFFSET = 100;

  private DtypeNumbers() {}

  /** Returns TensorFlow's name of a dtype. */
  static String name(int dtype) {
    DataType type = DataType.forNumber(dtype);
    return type == null ? "dtype " + dtype : type.name();
  }

  /** Returns the dtype that a reference dtype refers to, or the dtype itself. */
  static int plain(int dtype) {
    return isReference(dtype) ? dtype - REFERENCE_OFFSET : dtype;
  }

  /** Returns the reference dtype to a dtype, 0 for 0. */
  static int reference(int dtype) {
    return dtype == 0 || isReference(dtype) ? dtype : dtype + REFERENCE_OFFSET;
  }

  static boolean isReference(int dtype) {
    return dtype > REFERENCE_OFFSET;
  }

  /**
   * Returns whether a tensor may go where another dtype is expected: equal dtypes, unknown ones,
   * and a reference where a value is expected, but not the other way round.
   */
  static boolean isCompatible(int expected, int actual) {
    if (expected == 0 || actual == 0) {
      return true;
    }
    return expected == (isReference(expected) ? actual : plain(actual));
  }

  /** Returns whether both lists are of the same length and compatible pair by pair. */
  static boolean areCompatible(List<Integer> expected, List<Integer> actual) {
    if (expected.size() != actual.size()) {
      return false;
    }
    for (int i = 0; i < expected.size(); i++) {
      if (!isCompatible(expected.get(i), actual.get(i))) {
        return false;
      }
    }
    return true;
  }
}
