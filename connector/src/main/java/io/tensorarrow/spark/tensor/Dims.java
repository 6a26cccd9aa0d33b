package io.tensorarrow.spark.tensor;

import java.util.Arrays;
import java.util.Optional;
import java.util.stream.IntStream;

/** Arithmetic on the dimensions of one row: a shape without its batch axis. */
public final class Dims {
  private Dims() {}

  public static int unknowns(long[] rowDims) {
    return (int) Arrays.stream(rowDims).filter(dim -> dim == TensorShape.UNKNOWN_DIM).count();
  }

  /** Returns the product of the known dimensions, 1 for none. */
  public static long knownProduct(long[] rowDims) {
    return productWith(rowDims, 1);
  }

  /**
   * Returns the product with each unknown dimension counted as {@code unknown}, at most {@link
   * Long#MAX_VALUE}.
   */
  public static long productWith(long[] rowDims, long unknown) {
    long product = 1;
    boolean overflow = false;
    for (long dim : rowDims) {
      long size = dim == TensorShape.UNKNOWN_DIM ? unknown : dim;
      if (size == 0) {
        return 0;
      }
      overflow |= product > Long.MAX_VALUE / size;
      product = overflow ? Long.MAX_VALUE : product * size;
    }
    return product;
  }

  /** Returns whether these are the expected dimensions, of which some may be unknown. */
  public static boolean fit(long[] dims, long[] expected) {
    return dims.length == expected.length
        && IntStream.range(0, dims.length)
            .allMatch(i -> expected[i] == TensorShape.UNKNOWN_DIM || expected[i] == dims[i]);
  }

  /** Returns a copy with each unknown dimension replaced. */
  public static long[] withUnknown(long[] rowDims, long unknown) {
    return Arrays.stream(rowDims)
        .map(dim -> dim == TensorShape.UNKNOWN_DIM ? unknown : dim)
        .toArray();
  }

  /** Returns that many unknown dimensions. */
  public static long[] open(int count) {
    long[] dims = new long[count];
    Arrays.fill(dims, TensorShape.UNKNOWN_DIM);
    return dims;
  }

  /** Returns the dimensions with a batch axis of the given size in front. */
  public static long[] withBatch(long rows, long[] rowDims) {
    long[] dims = new long[rowDims.length + 1];
    dims[0] = rows;
    System.arraycopy(rowDims, 0, dims, 1, rowDims.length);
    return dims;
  }

  /**
   * Returns why tensors of this shape can't be split into rows, or whose rows can't be arrays, if
   * that is so. Whether a fixed first dimension is a batch depends on the whole signature, so it is
   * for the caller to judge.
   */
  public static Optional<String> whyNotRows(TensorShape shape) {
    if (!shape.isRankKnown()) {
      return Optional.of("an unknown rank");
    }
    if (shape.dims().orElseThrow().isEmpty()) {
      return Optional.of("shape (), which has no batch axis");
    }
    if (knownProduct(shape.rowDims()) > Integer.MAX_VALUE) {
      return Optional.of("shape " + shape + ", whose rows have more elements than an array holds");
    }
    return Optional.empty();
  }
}
