/**
 * From a SavedModel on disk to eager functions: protos read in pure Java, TensorFlow's natives
 * loaded safely, the graph's signatures as functions in one {@code TFE_Context} per model, and the
 * cache that leases models to tasks.
 *
 * <p>Threads: {@link io.tensorarrow.spark.model.ModelCache} is thread-safe; a model is shared by
 * all tasks of the executor. A call object belongs to one thread at a time. One watchdog thread per
 * class loader ends the native code of killed tasks; it and the cache's sweeper live only while
 * there is something to do.
 *
 * <p>Memory: the cache owns the models, a lease keeps its model loaded. Feeds are borrowed for the
 * duration of a call; fetched tensors are owned by the caller. Contexts, graphs and functions are
 * freed when the last lease of an evicted model is closed.
 *
 * <p>This room knows neither Spark SQL nor Arrow.
 */
@NullMarked
package io.tensorarrow.spark.model;

import org.jspecify.annotations.NullMarked;
