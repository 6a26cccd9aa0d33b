/**
 * TensorFlow's C API: a graph rewritten and registered as functions in one {@code TFE_Context} for
 * each model, and calls of them.
 *
 * <p>Threads: context and functions are shared by all tasks; a call object belongs to one thread at
 * a time. One watchdog thread per class loader cancels the calls of tasks that are killed or
 * complete. TensorFlow has one pool of threads for what an operation splits up, per process and as
 * large as the first model asked for, and makes for each model as many threads as operations may
 * run at once: the executor's cores.
 *
 * <p>Memory: inputs are borrowed for the duration of a call; fetched tensors are owned by the
 * caller. Whoever made a context, graph or function closes it. TensorFlow keeps memory of each call
 * that fails for as long as the process lives: about the size of its inputs, and some 900 bytes for
 * small ones.
 */
@NullMarked
package io.tensorarrow.spark.model.eager;

import org.jspecify.annotations.NullMarked;
