package io.tensorarrow.spark.model.safety;

import java.util.List;
import java.util.Optional;

/**
 * Where an input comes from.
 *
 * @param node the number of the node, or {@link #PARAMETER}
 * @param dtypes the dtypes of the tensors that it stands for, one or a list; empty if they can't be
 *     known
 */
record InputSource(int node, Optional<List<Integer>> dtypes) {
  /** In place of a node: a parameter of the function. */
  static final int PARAMETER = -1;
}
