package io.tensorarrow.spark.model.eager;

import io.tensorarrow.spark.tensor.TensorSpec;
import java.util.List;

/**
 * A signature, restricted to some outputs, as a function of an {@link EagerContext}.
 *
 * @param name the function's name in the context
 * @param action what can't be done if a call fails: {@code run signature ...}
 * @param feeds its inputs
 * @param fetches its outputs
 * @param mayOverwrite whether later calls may write over what an earlier one returned
 */
public record EagerFunction(
    String name,
    String action,
    List<TensorSpec> feeds,
    List<TensorSpec> fetches,
    boolean mayOverwrite) {}
