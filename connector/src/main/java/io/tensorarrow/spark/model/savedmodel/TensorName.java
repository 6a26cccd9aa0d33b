package io.tensorarrow.spark.model.savedmodel;

/**
 * A tensor of a graph: an output of a node.
 *
 * @param node the node's name
 * @param index which of its outputs
 */
public record TensorName(String node, int index) {
  /** No tensor. */
  public static final TensorName NONE = new TensorName("", 0);

  private static final int REFERENCE_OFFSET = 100;

  /**
   * Parses what graphs and signatures write.
   *
   * @param text {@code node:index}, {@code node} or {@code ^node}
   */
  public static TensorName of(String text) {
    String name = text.startsWith("^") ? text.substring(1) : text;
    int colon = name.lastIndexOf(':');
    if (colon < 0 || !name.substring(colon + 1).matches("[0-9]{1,9}")) {
      return new TensorName(name, 0);
    }
    return new TensorName(name.substring(0, colon), Integer.parseInt(name.substring(colon + 1)));
  }

  /**
   * Returns the number of the dtype that TF1's reference dtypes refer to, or of the dtype itself.
   */
  public static int plain(int dtype) {
    return dtype > REFERENCE_OFFSET ? dtype - REFERENCE_OFFSET : dtype;
  }

  /** Returns {@code node:index}. */
  @Override
  public String toString() {
    return node + ":" + index;
  }
}
