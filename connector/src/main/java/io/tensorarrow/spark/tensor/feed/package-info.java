/**
 * Columns into tensors: {@link io.tensorarrow.spark.tensor.feed.ColumnFeeder} copies the rows of
 * one column into a dense input, {@link io.tensorarrow.spark.tensor.feed.SparseFeeder} into the
 * three tensors of a sparse one. Values are checked and converted by NumPy's casting rules on the
 * way.
 *
 * <p>Threads: a feeder belongs to one task and is used by one thread at a time.
 *
 * <p>Memory: a feeder returns tensors that the caller owns and closes.
 */
@NullMarked
package io.tensorarrow.spark.tensor.feed;

import org.jspecify.annotations.NullMarked;
