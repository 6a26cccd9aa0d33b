/**
 * TensorArrow: a Spark 3.5 connector that runs TensorFlow SavedModels inside the executors, over
 * any table that Spark can read in batches through Data Source V2.
 *
 * <p>The packages:
 *
 * <ul>
 *   <li>this package: {@link io.tensorarrow.spark.TensorFlowDataSource}, the way in for {@code
 *       format("tensorflow")};
 *   <li>{@code errors}: the one exception, its codes and wording;
 *   <li>{@code options}: every option and setting, and the spec that travels to executors;
 *   <li>{@code model}: from a SavedModel on disk to eager functions, and the cache that leases
 *       them;
 *   <li>{@code tensor}: native memory, in and out;
 *   <li>{@code inference}: batch in, model, batch out;
 *   <li>{@code source}: the Data Source V2 read path;
 *   <li>{@code metrics}: what the Spark UI shows;
 *   <li>{@code sql}: the planner rules: Python functions in columns, and commands that are refused;
 *   <li>{@code python}: the columnar hand-over to Python.
 * </ul>
 *
 * <p>How a query runs: options &rarr; model reference and signature, read in pure Java on the
 * driver &rarr; table &rarr; scan builder (filters, columns and limit stay away from the model)
 * &rarr; reader on the executor: the source's columns are copied into input tensors, one eager
 * call, and the output tensors' own memory becomes the result's columns.
 */
@NullMarked
package io.tensorarrow.spark;

import org.jspecify.annotations.NullMarked;
