/**
 * The physical operator that runs a model over the batches or rows of any plan. {@code
 * InferenceStrategy} plans {@link io.tensorarrow.spark.sql.execution.InferenceExec}; {@code
 * GatheredBatches} and {@code ConditionalBatches} run the model in the tasks.
 *
 * <p>Threads: plan nodes are immutable. What runs in a task belongs to it, and is used by one
 * thread at a time.
 *
 * <p>Memory: a batch of an inference is valid until the next one is asked for. Its outputs own
 * TensorFlow's memory; they are closed then, or when the task ends. Its other columns are views of
 * the child's, or of copies on the heap.
 */
@NullMarked
package io.tensorarrow.spark.sql.execution;

import org.jspecify.annotations.NullMarked;
