/**
 * Batch in, model, batch out: matching a signature with columns, and running the model over the
 * rows of a columnar batch. {@link io.tensorarrow.spark.inference.InferenceSpec} is all that an
 * executor needs to know of a query.
 *
 * <p>Threads: a {@link io.tensorarrow.spark.inference.BatchInference} belongs to one task; it is
 * used by one thread at a time, not always the same one.
 *
 * <p>Memory: input tensors live for one call. Output tensors become columns that own them; whoever
 * gets the columns closes them. The model's lease is held from the first batch until close.
 */
@NullMarked
package io.tensorarrow.spark.inference;

import org.jspecify.annotations.NullMarked;
