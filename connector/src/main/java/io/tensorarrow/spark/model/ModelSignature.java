package io.tensorarrow.spark.model;

import io.tensorarrow.spark.tensor.TensorSpec;
import java.io.Serializable;
import java.util.List;
import java.util.Set;

/**
 * A named function of a SavedModel.
 *
 * @param name the key of the SignatureDef
 * @param method the SignatureDef's method name, may be empty
 * @param inputs the tensors to feed, sorted by name
 * @param outputs the tensors that can be fetched, sorted by name
 * @param sparseParts the names of those inputs and outputs that are parts of sparse tensors: their
 *     first dimension counts values, not rows
 */
public record ModelSignature(
    String name,
    String method,
    List<TensorSpec> inputs,
    List<TensorSpec> outputs,
    Set<String> sparseParts)
    implements Serializable {
  /** Copies the lists. */
  public ModelSignature {
    inputs = List.copyOf(inputs);
    outputs = List.copyOf(outputs);
    sparseParts = Set.copyOf(sparseParts);
  }
}
