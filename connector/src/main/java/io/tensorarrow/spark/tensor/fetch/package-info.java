/**
 * Tensors as columns: {@link io.tensorarrow.spark.tensor.fetch.TensorColumns} gives a fetched
 * tensor the form of a Spark column over TensorFlow's own memory. Types that Spark lacks are
 * widened when they are read; strings alone are copied. {@link
 * io.tensorarrow.spark.tensor.fetch.TensorMetadata} is what a column's metadata say of its tensor.
 *
 * <p>Threads: nothing here is thread-safe and nothing is bound to a thread.
 *
 * <p>Memory: a column made over a tensor takes the tensor over; closing the column deletes it.
 */
@NullMarked
package io.tensorarrow.spark.tensor.fetch;

import org.jspecify.annotations.NullMarked;
