package io.tensorarrow.spark.model.eager;

import io.tensorarrow.spark.tensor.TensorSpec;
import java.util.List;

/**
 * A signature, restricted to some outputs, as a function of an {@link EagerContext}.
 *
 * @param name the function's name in the context
 * @param task how errors begin: {@code Cannot run model ...}
 * @param feeds its inputs
 * @param fetches its outputs
 * @param mayOverwrite whether later calls may write over what an earlier one returned
 */
public record EagerFunction(
    String name,
    String task,
    List<TensorSpec> feeds,
    List<TensorSpec> fetches,
    boolean mayOverwrite) {}
