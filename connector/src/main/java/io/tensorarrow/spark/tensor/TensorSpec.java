package io.tensorarrow.spark.tensor;

import java.io.Serializable;
import java.util.Arrays;
import java.util.List;

/**
 * One input or output of a signature.
 *
 * @param name the tensor's name in the signature, any text
 * @param dtype the element type
 * @param shape the shape with the batch axis, as the signature declares it; of a sparse tensor the
 *     dense shape
 * @param sparse whether it is a sparse tensor in coordinate form
 */
public record TensorSpec(String name, DType dtype, TensorShape shape, boolean sparse)
    implements Serializable {
  /** Describes a dense tensor. */
  public TensorSpec(String name, DType dtype, TensorShape shape) {
    this(name, dtype, shape, false);
  }

  /**
   * Returns the dense tensors that this one consists of: itself, or one for each {@link
   * SparsePart}, in that order.
   */
  public List<TensorSpec> parts() {
    return sparse ? Arrays.stream(SparsePart.values()).map(this::part).toList() : List.of(this);
  }

  private TensorSpec part(SparsePart part) {
    long rank = shape.dims().map(dims -> (long) dims.size()).orElse(TensorShape.UNKNOWN_DIM);
    return switch (part) {
      case DENSE_SHAPE -> new TensorSpec(part.of(name), DType.INT64, TensorShape.of(rank));
      case INDICES ->
          new TensorSpec(part.of(name), DType.INT64, TensorShape.of(TensorShape.UNKNOWN_DIM, rank));
      case VALUES -> new TensorSpec(part.of(name), dtype, TensorShape.of(TensorShape.UNKNOWN_DIM));
    };
  }

  /**
   * Returns for instance {@code 'pixels' float32 (-1, 64)} or {@code 'x' sparse float32 (-1, 6)}.
   */
  @Override
  public String toString() {
    return "'" + name + "' " + (sparse ? "sparse " : "") + dtype.numpyName() + " " + shape;
  }
}
