package io.tensorarrow.spark.tensor;

import java.util.Locale;

/**
 * The dense tensors that make a sparse one in coordinate form, sorted by name. A signature has each
 * of them as an input or output of the graph.
 */
public enum SparsePart {
  /** The sizes of all dimensions: int64 {@code (rank,)}. */
  DENSE_SHAPE,
  /** The place of each value, row-major order: int64 {@code (values, rank)}. */
  INDICES,
  /** The values: {@code (values,)} of the sparse tensor's dtype. */
  VALUES;

  /** Returns how the part of a sparse tensor is named, for instance {@code x/dense_shape}. */
  public String of(String tensor) {
    return tensor + "/" + name().toLowerCase(Locale.ROOT);
  }
}
