package io.tensorarrow.spark.tensor;

import java.io.Serializable;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/**
 * A shape as a signature declares it: the sizes of the dimensions, -1 where unknown, or of unknown
 * rank. Immutable.
 */
public final class TensorShape implements Serializable {
  private static final long serialVersionUID = 1L;

  /** The size of a dimension that the signature leaves open. */
  public static final long UNKNOWN_DIM = -1;

  private static final TensorShape UNKNOWN_RANK = new TensorShape(null);

  private final long @Nullable [] dims;

  private TensorShape(long @Nullable [] dims) {
    this.dims = dims;
  }

  /** Returns the shape of unknown rank. */
  public static TensorShape unknownRank() {
    return UNKNOWN_RANK;
  }

  /** Returns the shape with these dimensions, -1 for an unknown one. */
  public static TensorShape of(long... dims) {
    return new TensorShape(dims.clone());
  }

  /** Returns whether the number of dimensions is known. */
  public boolean isRankKnown() {
    return dims != null;
  }

  /** Returns the sizes of the dimensions, -1 where unknown, or empty for an unknown rank. */
  public Optional<List<Long>> dims() {
    return dims == null ? Optional.empty() : Optional.of(LongStream.of(dims).boxed().toList());
  }

  /** Returns whether rows are stacked along an open first dimension. */
  public boolean isBatched() {
    return dims != null && dims.length > 0 && dims[0] == UNKNOWN_DIM;
  }

  /**
   * Returns the dimensions of one row: all but the first.
   *
   * @throws IllegalStateException if the rank is unknown or 0
   */
  public long[] rowDims() {
    if (dims == null || dims.length == 0) {
      throw new IllegalStateException("no batch axis in shape " + this);
    }
    long[] row = new long[dims.length - 1];
    System.arraycopy(dims, 1, row, 0, row.length);
    return row;
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof TensorShape that && dims().equals(that.dims());
  }

  @Override
  public int hashCode() {
    return dims().hashCode();
  }

  /**
   * Returns the shape in TensorFlow's and NumPy's writing: {@code (-1, 28, 28)}, {@code (-1,)},
   * {@code ()} or {@code unknown_rank}.
   */
  @Override
  public String toString() {
    List<Long> known = dims().orElse(Collections.emptyList());
    if (dims == null) {
      return "unknown_rank";
    }
    String listed = known.stream().map(String::valueOf).collect(Collectors.joining(", "));
    return known.size() == 1 ? "(" + listed + ",)" : "(" + listed + ")";
  }
}
