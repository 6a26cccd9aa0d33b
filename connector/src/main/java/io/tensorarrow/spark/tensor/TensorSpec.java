package io.tensorarrow.spark.tensor;

import java.io.Serializable;

/**
 * One input or output of a signature.
 *
 * @param name the tensor's name in the signature, any text
 * @param dtype the element type
 * @param shape the shape with the batch axis, as the signature declares it
 */
public record TensorSpec(String name, DType dtype, TensorShape shape) implements Serializable {
  /** Returns for instance {@code 'pixels' float32 (-1, 64)}. */
  @Override
  public String toString() {
    return "'" + name + "' " + dtype.numpyName() + " " + shape;
  }
}
