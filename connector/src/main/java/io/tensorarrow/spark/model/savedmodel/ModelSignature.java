package io.tensorarrow.spark.model.savedmodel;

import io.tensorarrow.spark.tensor.TensorSpec;
import java.io.Serializable;
import java.util.Comparator;
import java.util.List;

/**
 * A named function of a SavedModel.
 *
 * @param name the key of the SignatureDef
 * @param method the SignatureDef's method name, may be empty
 * @param inputs the tensors to feed, sorted by name
 * @param outputs the tensors that it computes, sorted by name
 */
public record ModelSignature(
    String name, String method, List<TensorSpec> inputs, List<TensorSpec> outputs)
    implements Serializable {
  /** Copies the lists. */
  public ModelSignature {
    inputs = List.copyOf(inputs);
    outputs = List.copyOf(outputs);
  }

  /** Returns the dense tensors that the inputs consist of, sorted by name. */
  public List<TensorSpec> denseInputs() {
    return parts(inputs);
  }

  /** Returns the dense tensors that the outputs consist of, sorted by name. */
  public List<TensorSpec> denseOutputs() {
    return parts(outputs);
  }

  private static List<TensorSpec> parts(List<TensorSpec> tensors) {
    return tensors.stream()
        .flatMap(tensor -> tensor.parts().stream())
        .sorted(Comparator.comparing(TensorSpec::name))
        .toList();
  }
}
