package io.tensorarrow.spark.model.variables;

import io.tensorarrow.spark.model.variables.ModelVariable.Part;
import java.util.List;

/** Puts the elements of a part where they belong in the variable. */
final class PartCopier {
  private PartCopier() {}

  /**
   * Copies a part.
   *
   * @param bytes its elements, row-major
   * @param part where it belongs
   * @param variable the elements of the variable, row-major
   * @param shape the variable's shape
   * @param width bytes of an element
   */
  static void copy(byte[] bytes, Part part, byte[] variable, List<Long> shape, int width) {
    if (bytes.length == 0) {
      return;
    }
    int split = lastCut(part, shape);
    // In bytes, of one step in each dimension; all fit, since the whole variable is in memory.
    int[] strides = new int[shape.size()];
    int stride = width;
    for (int dim = shape.size() - 1; dim >= 0; dim--) {
      strides[dim] = stride;
      stride *= Math.toIntExact(shape.get(dim));
    }
    int run = Math.toIntExact(part.extent().get(split)) * strides[split];
    for (int from = 0; from < bytes.length; from += run) {
      int rest = from / run;
      int to = Math.toIntExact(part.begin().get(split)) * strides[split];
      for (int dim = split - 1; dim >= 0; dim--) {
        int extent = Math.toIntExact(part.extent().get(dim));
        to += (Math.toIntExact(part.begin().get(dim)) + rest % extent) * strides[dim];
        rest /= extent;
      }
      System.arraycopy(bytes, from, variable, to, run);
    }
  }

  /**
   * Returns the last dimension of which the part has not all: everything behind it is contiguous.
   */
  private static int lastCut(Part part, List<Long> shape) {
    int dim = shape.size() - 1;
    while (dim > 0 && part.extent().get(dim).equals(shape.get(dim))) {
      dim--;
    }
    return dim;
  }
}
