package io.tensorarrow.spark.tensor.fetch;

import io.tensorarrow.spark.tensor.Dims;
import java.util.stream.IntStream;

/**
 * How a column shows the rows of a tensor: as elements, as arrays of them, or as structs of an
 * array and the shape that all rows have. Immutable.
 */
final class RowForm {
  private final boolean hasArrays;
  private final boolean hasShape;
  private final int width;
  private final int[] shape;

  private RowForm(boolean hasArrays, boolean hasShape, int width, int[] shape) {
    this.hasArrays = hasArrays;
    this.hasShape = hasShape;
    this.width = width;
    this.shape = shape;
  }

  /**
   * Finds the form.
   *
   * @param declaredRowDims the dimensions of one row, as the signature declares them
   * @param dims the tensor's shape, rows first, which fits these
   */
  static RowForm of(long[] declaredRowDims, long[] dims) {
    boolean hasArrays = declaredRowDims.length > 0;
    boolean hasShape = Dims.unknowns(declaredRowDims) > 1;
    int[] shape =
        hasShape
            ? IntStream.range(1, dims.length).map(i -> Math.toIntExact(dims[i])).toArray()
            : new int[0];
    return new RowForm(hasArrays, hasShape, hasArrays ? width(dims) : 1, shape);
  }

  /** The elements of a row; there are none at all if there are no rows. */
  private static int width(long[] dims) {
    if (dims[0] == 0) {
      return 0;
    }
    long width = 1;
    for (int i = 1; i < dims.length; i++) {
      width = Math.multiplyExact(width, dims[i]);
    }
    return Math.toIntExact(width);
  }

  /** Returns whether rows are arrays: the tensor has inner dimensions. */
  boolean hasArrays() {
    return hasArrays;
  }

  /** Returns whether the shape stands beside the arrays, as more than one dimension is open. */
  boolean hasShape() {
    return hasShape;
  }

  /** Returns how many elements a row has. */
  int width() {
    return width;
  }

  /** Returns the shape of one row, if it stands beside the arrays. */
  int[] shape() {
    return shape.clone();
  }
}
