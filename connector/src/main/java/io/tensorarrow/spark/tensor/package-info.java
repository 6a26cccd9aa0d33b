/**
 * Tensors: the dtype table, shapes, and native tensors. Knows neither Spark SQL nor Arrow.
 *
 * <p>Threads: dtypes, shapes and specs are immutable. A native tensor is not thread-safe and not
 * bound to a thread; it may be passed from one thread to another between calls.
 *
 * <p>Memory: a {@link io.tensorarrow.spark.tensor.NativeTensor} has one owner at a time, who closes
 * it.
 */
@NullMarked
package io.tensorarrow.spark.tensor;

import org.jspecify.annotations.NullMarked;
