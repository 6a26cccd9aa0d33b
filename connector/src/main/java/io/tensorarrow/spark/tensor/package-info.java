/**
 * Native memory: the dtype table, feeding Spark columns into TensorFlow tensors, and Spark columns
 * over TensorFlow's own memory.
 *
 * <p>This is the only room that sees addresses and {@code Unsafe}.
 *
 * <p>Threads: nothing here is thread-safe and nothing is bound to a thread; objects may be handed
 * from one thread to another between calls.
 *
 * <p>Memory: a {@link io.tensorarrow.spark.tensor.NativeTensor} has one owner at a time, who closes
 * it. A column made over a tensor takes the tensor over; closing the column deletes it. The
 * validity bits of such columns, all set, are the same memory for all of them, which nobody may
 * write to.
 */
@NullMarked
package io.tensorarrow.spark.tensor;

import org.jspecify.annotations.NullMarked;
