/**
 * Planner nodes for Python functions over columns. {@code ColumnarPythonStrategy} finds Spark's
 * logical Python nodes that stand on an inference scan ({@code ColumnarPlan}) and plans nodes that
 * pass batches instead of rows; {@code RowHandover} says why rows are used where they are.
 *
 * <p>Threads: nodes live on the driver, in the thread that plans; what they ship to executors is
 * serializable and immutable.
 *
 * <p>Memory: nodes own none. Batches pass through them and belong to the source.
 */
@NullMarked
package io.tensorarrow.spark.python.plan;

import org.jspecify.annotations.NullMarked;
