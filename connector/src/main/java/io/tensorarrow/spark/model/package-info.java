/**
 * From a SavedModel on disk to eager functions: protos read in pure Java, TensorFlow's natives
 * loaded safely, the graph's signatures as functions in one {@code TFE_Context} per model, and the
 * cache that leases models to tasks. Variables are read from the checkpoint in pure Java, too.
 *
 * <p>Threads: {@link io.tensorarrow.spark.model.ModelCache} is thread-safe; a model is shared by
 * all tasks of the executor. A call object belongs to one thread at a time. One watchdog thread per
 * class loader ends the native code of tasks that are killed or complete; it and the cache's
 * sweeper live only while there is something to do. TensorFlow has one pool of threads for what an
 * operation splits up, per process and as large as the first model asked for, and makes for each
 * model as many threads as operations may run at once: the executor's cores.
 *
 * <p>Class loaders: each has its own cache and models, which are closed when they are idle. The
 * first that loads TensorFlow in a process stays in memory, since JavaCPP's thread keeps it; the
 * later ones, of sessions, can be collected.
 *
 * <p>Memory: the cache owns the models, a lease keeps its model loaded. Feeds are borrowed for the
 * duration of a call; fetched tensors are owned by the caller. Contexts, graphs and functions are
 * freed when the last lease of an evicted model is closed. A variable is in memory once, a constant
 * of a frozen graph about four times: in the graph, the function, TensorFlow's optimised copy of
 * that, and as a tensor. TensorFlow keeps some 900 bytes of each call that fails for as long as the
 * process lives.
 *
 * <p>This room knows neither Spark SQL nor Arrow.
 */
@NullMarked
package io.tensorarrow.spark.model;

import org.jspecify.annotations.NullMarked;
