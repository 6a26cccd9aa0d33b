/**
 * Columnar hand-over to Python workers: nodes that stand where Spark plans its own Python nodes,
 * and the runner that carries their batches, without rows between.
 *
 * <p>Threads: nodes live on the driver. In a task, {@code BatchWriter} is a thread of its own,
 * which Spark starts and joins; {@code BatchReader} belongs to the task's thread.
 *
 * <p>Memory: batches that go out belong to the source; what has to be converted on the way is freed
 * when the batch is written. Batches that come back are valid until the next one.
 */
@NullMarked
package io.tensorarrow.spark.python;

import org.jspecify.annotations.NullMarked;
