package io.tensorarrow.spark.inference;

import io.tensorarrow.spark.model.ModelReference;
import io.tensorarrow.spark.options.CastMode;
import io.tensorarrow.spark.options.ColumnPath;
import io.tensorarrow.spark.options.ColumnTypes;
import io.tensorarrow.spark.options.Handover;
import io.tensorarrow.spark.tensor.TensorSpec;
import java.io.Serializable;
import java.util.List;
import java.util.Set;

/**
 * All that an executor needs to run a model over batches, worked out on the driver. Two equal specs
 * over equal rows give equal tensors.
 *
 * @param model the pinned model
 * @param signature the signature's name
 * @param inputs every input of the signature with its column
 * @param outputs the outputs to compute with their columns; none means that the model is not run
 * @param batch how rows are divided into model calls
 * @param elements how elements are converted on the way in and out
 * @param handover how batches get to Python functions
 * @param threads intra-op threads, 0 for the executor's cores
 */
public record InferenceSpec(
    ModelReference model,
    String signature,
    List<InputBinding> inputs,
    List<OutputBinding> outputs,
    BatchPolicy batch,
    ElementPolicy elements,
    Handover handover,
    int threads)
    implements Serializable {
  /** Copies the lists. */
  public InferenceSpec {
    inputs = List.copyOf(inputs);
    outputs = List.copyOf(outputs);
  }

  /**
   * An input tensor and the column that feeds it.
   *
   * @param tensor the signature's input
   * @param column where it is in the wrapped table
   */
  public record InputBinding(TensorSpec tensor, ColumnPath column) implements Serializable {}

  /**
   * An output tensor and the column that holds it.
   *
   * @param tensor the signature's output
   * @param column the column's name in the result
   */
  public record OutputBinding(TensorSpec tensor, String column) implements Serializable {}

  /**
   * How rows are divided into model calls.
   *
   * @param rows the most rows of one call
   * @param fixed whether each call must have exactly that many, so that fewer rows are padded
   */
  public record BatchPolicy(int rows, boolean fixed) implements Serializable {
    /**
     * Returns how many rows are worth a call of their own, before it costs less to copy them so
     * that they can wait for others: half of a batch, or a full one where a call costs as much with
     * fewer rows.
     */
    public int enoughRows() {
      return fixed ? rows : (rows + 1) / 2;
    }
  }

  /**
   * How elements are converted.
   *
   * @param cast which conversions are allowed from columns to tensors
   * @param types which Spark types outputs get where there is a choice
   */
  public record ElementPolicy(CastMode cast, ColumnTypes types) implements Serializable {}

  /** Returns whether there is anything to compute. */
  public boolean runsModel() {
    return !outputs.isEmpty();
  }

  /** Returns the spec that runs the same over another copy or version of the model. */
  public InferenceSpec withModel(ModelReference other) {
    return new InferenceSpec(other, signature, inputs, outputs, batch, elements, handover, threads);
  }

  /** Returns the spec that computes only those outputs whose column is in {@code columns}. */
  public InferenceSpec computingOnly(Set<String> columns) {
    List<OutputBinding> remaining =
        outputs.stream().filter(output -> columns.contains(output.column())).toList();
    return new InferenceSpec(
        model, signature, inputs, remaining, batch, elements, handover, threads);
  }

  /** Returns the spec that computes only the outputs of these numbers. */
  public InferenceSpec computingOnlyAt(List<Integer> ordinals) {
    return new InferenceSpec(
        model,
        signature,
        inputs,
        ordinals.stream().map(outputs::get).toList(),
        batch,
        elements,
        handover,
        threads);
  }
}
