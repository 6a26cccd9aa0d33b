/**
 * Spark's column vectors, read in bulk: numbers ({@code BulkReader}), arrays of any representation
 * ({@code ArrayReader}), the tensor under a column ({@code TensorColumn}), selections of rows,
 * columns over memory that somebody else owns, and validity bits.
 *
 * <p>Threads: nothing here is thread-safe and nothing is bound to a thread.
 *
 * <p>Memory: readers and selections own nothing. A {@code TensorVector} owns its tensor. The
 * validity bits of columns without nulls are one buffer for all of them, which nobody may write to.
 */
@NullMarked
package io.tensorarrow.spark.tensor.vector;

import org.jspecify.annotations.NullMarked;
