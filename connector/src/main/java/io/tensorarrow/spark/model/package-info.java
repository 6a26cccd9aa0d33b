/**
 * Models that are ready to run: the loader, and the cache that leases loaded models to tasks.
 *
 * <p>Threads: {@link io.tensorarrow.spark.model.ModelCache} is thread-safe; a model is shared by
 * all tasks of the executor. The cache's sweeper thread lives only while there is something to
 * close.
 *
 * <p>Class loaders: each has its own cache and models, which are closed when they are idle. The
 * first that loads TensorFlow in a process stays in memory, since JavaCPP's thread keeps it; the
 * later ones, of sessions, can be collected.
 *
 * <p>Memory: the cache owns the models, a lease keeps its model loaded. Contexts, graphs and
 * functions are freed when the last lease of an evicted model is closed. A variable is in memory
 * once, a constant of a frozen graph about four times: in the graph, the function, TensorFlow's
 * optimised copy of that, and as a tensor.
 *
 * <p>No package below {@code model} knows Spark SQL, Arrow or Python.
 */
@NullMarked
package io.tensorarrow.spark.model;

import org.jspecify.annotations.NullMarked;
