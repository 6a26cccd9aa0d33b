/**
 * TensorArrow: a Spark 3.5 connector that runs TensorFlow SavedModels inside the executors, over
 * any data that Spark can read, and over the rows of any query.
 *
 * <p>This package is API: {@link io.tensorarrow.spark.TensorFlowDataSource} for {@code
 * format("tensorflow")}, {@link io.tensorarrow.spark.TensorArrow} for models over Datasets, and
 * {@link io.tensorarrow.spark.TensorArrowExtensions} for {@code spark.sql.extensions}. So are
 * {@link io.tensorarrow.spark.errors.TensorArrowException} and its {@link
 * io.tensorarrow.spark.errors.ErrorCode}. All other packages are internal: their classes are public
 * only where another package needs them, and may change in any version. Metrics have public names
 * because Spark makes them by name. SQL functions are API by their names in SQL.
 *
 * <p>Scala's {@code Seq} stands in signatures that override Spark's only where it must: {@code
 * ReadOnlySource}, {@code source.FileInferenceTable}, {@code source.InferenceScanBuilder}, {@code
 * source.wrapped.TableFormats}, and in classes of {@code columnar}, {@code sql..} and {@code
 * python.plan}. A build for Scala 2.13 changes the import there.
 *
 * <p>Threads and memory: the classes of this package are used by driver threads that plan, and hold
 * no native memory. Each package says which threads use it and who owns memory.
 *
 * <p>The packages, from the bottom up:
 *
 * <ul>
 *   <li>{@code errors}: the one exception, its codes and wording;
 *   <li>{@code options}: every option and setting, declared once;
 *   <li>{@code metrics}: the scan's metrics in the Spark UI;
 *   <li>{@code host}: locks, directories and names shared by the processes of a host;
 *   <li>{@code tensor}: dtypes, shapes, native tensors;
 *   <li>{@code tensor.vector}: Spark's column vectors, read in bulk;
 *   <li>{@code tensor.feed}: columns into tensors;
 *   <li>{@code tensor.fetch}: tensors as columns over TensorFlow's memory;
 *   <li>{@code columnar}: physical plan nodes over columnar batches, shared by inference in queries
 *       and Python;
 *   <li>{@code model.store}: files of models, local or remote, and a host's copies;
 *   <li>{@code model.safety}: checks of graphs before native code sees them;
 *   <li>{@code model.savedmodel}: SavedModels, read in pure Java;
 *   <li>{@code model.natives}: TensorFlow's native libraries;
 *   <li>{@code model.eager}: graphs as eager functions, and calls of them;
 *   <li>{@code model.variables}: variables, read from the checkpoint;
 *   <li>{@code model}: the loader, and the cache that leases models to tasks;
 *   <li>{@code inference}: a batch of columns in, model, a batch of columns out;
 *   <li>{@code source.wrapped}: the source that holds the rows, and adapters over its readers;
 *   <li>{@code source.variables}: the read path of a model's variables;
 *   <li>{@code source}: the Data Source V2 read path;
 *   <li>{@code sql}: calls of models in queries, and the rules that plan them;
 *   <li>{@code sql.execution}: the operator that runs a model over any plan;
 *   <li>{@code sql.functions}: SQL functions, checked at analysis;
 *   <li>{@code sql.guards}: planner strategies that refuse commands;
 *   <li>{@code sql.tables}: reads of catalog tables, queries and sources of version 1;
 *   <li>{@code python.shm}: shared memory, its pool and leases;
 *   <li>{@code python.arrow}: conversion between columns and Arrow messages;
 *   <li>{@code python.retained}: columns kept until a scalar function's results arrive;
 *   <li>{@code python.worker}: the protocol between a task and its worker;
 *   <li>{@code python.plan}: planner nodes for Python functions over columns.
 * </ul>
 *
 * <p>Read: {@code source.TensorFlowTables} opens the wrapped source and reads the model's signature
 * on the driver, in pure Java. {@code inference.SignatureBinder} binds inputs and outputs to
 * columns. The scan builder keeps filters, columns and limits away from the model. On the executor
 * {@code source.InferencePartitionReader} passes each batch to {@code inference.BatchInference}:
 * {@code tensor.feed} copies columns into tensors, {@code model.eager} runs the function, and
 * {@code tensor.fetch} makes columns over the output tensors' own memory.
 *
 * <p>Inference in a query: {@code sql.functions.PredictCalls} makes an expression, {@code
 * sql.Predict}, out of a call of an SQL function or of {@code TensorArrow.predict}; {@code
 * inference.ModelLookup} finds the model, and {@code inference.SignatureBinder} binds it. {@code
 * sql.ExtractPredictions} moves the expressions into {@code sql.Inference} nodes, below the
 * operators that they are in. {@code sql.execution.InferenceExec} runs {@code
 * inference.BatchInference} over the batches or rows of its child; {@code columnar} keeps what is
 * between source and model in columns.
 *
 * <p>Out to Python: {@code python.plan} replaces Spark's Python nodes over an inference scan or an
 * inference in a query. {@code python.worker.BatchWriter} copies a batch into a segment of {@code
 * python.shm} and sends a handle in an envelope; small batches go through the socket as Arrow
 * messages of {@code python.arrow}.
 *
 * <p>Replies back: {@code python.worker.BatchReader} reads what the function returned. {@code
 * python.arrow} checks it against the declared schema; columns changed in place are read from their
 * segment; {@code python.retained} puts scalar results beside the columns of their rows.
 *
 * <p>Variables: {@code source.variables} lists a model's variables on the driver and reads ranges
 * of the checkpoint on the executors through {@code model.variables}, without TensorFlow.
 */
@NullMarked
package io.tensorarrow.spark;

import org.jspecify.annotations.NullMarked;
