/**
 * Columns kept beside a scalar Python function until its results arrive. {@code RetainedBatches}
 * keeps tensors by reference and others as Arrow vectors; {@code RowZipper} joins them with the
 * results.
 *
 * <p>A function may read all its input before it returns anything: beyond {@code
 * spark.tensorarrow.python.retainedBytes}, batches are spilled to Spark's local directories.
 *
 * <p>Threads: the writer's thread adds, the task's thread takes; both are synchronised here.
 *
 * <p>Memory: a retained batch owns its vectors and a reference to its tensors; they are freed when
 * its rows were consumed, or at the end of the task.
 */
@NullMarked
package io.tensorarrow.spark.python.retained;

import org.jspecify.annotations.NullMarked;
