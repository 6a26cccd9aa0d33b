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
 * @param feeds every input of the signature with its column
 * @param fetches the outputs to compute with their columns; none means that the model is not run
 * @param batchRows the most rows of one model call
 * @param fixedBatch whether each call must have exactly that many, so that fewer rows are padded
 * @param cast which element conversions are allowed on the way in
 * @param types which Spark types outputs get where there is a choice
 * @param handover how batches get to Python functions
 * @param threads intra-op threads, 0 for the executor's cores
 */
public record InferenceSpec(
    ModelReference model,
    String signature,
    List<Feed> feeds,
    List<Fetch> fetches,
    int batchRows,
    boolean fixedBatch,
    CastMode cast,
    ColumnTypes types,
    Handover handover,
    int threads)
    implements Serializable {
  /** Copies the lists. */
  public InferenceSpec {
    feeds = List.copyOf(feeds);
    fetches = List.copyOf(fetches);
  }

  /**
   * An input tensor and the column that feeds it.
   *
   * @param tensor the signature's input
   * @param column where it is in the wrapped table
   */
  public record Feed(TensorSpec tensor, ColumnPath column) implements Serializable {}

  /**
   * An output tensor and the column that holds it.
   *
   * @param tensor the signature's output
   * @param column the column's name in the result
   */
  public record Fetch(TensorSpec tensor, String column) implements Serializable {}

  /** Returns whether there is anything to compute. */
  public boolean runsModel() {
    return !fetches.isEmpty();
  }

  /** Returns the spec that runs the same over another copy or version of the model. */
  public InferenceSpec withModel(ModelReference other) {
    return new InferenceSpec(
        other, signature, feeds, fetches, batchRows, fixedBatch, cast, types, handover, threads);
  }

  /** Returns the spec that computes only those outputs whose column is in {@code columns}. */
  public InferenceSpec fetchingOnly(Set<String> columns) {
    List<Fetch> wanted = fetches.stream().filter(f -> columns.contains(f.column())).toList();
    return new InferenceSpec(
        model, signature, feeds, wanted, batchRows, fixedBatch, cast, types, handover, threads);
  }
}
