/**
 * Models in queries, and planner rules for queries as a whole.
 *
 * <p>A call of an SQL function, or a model over a Dataset, is an expression, {@link
 * io.tensorarrow.spark.sql.Predict}: {@code SqlFunctions} registers the functions, {@code
 * PredictCalls} and {@code OptionArguments} check a call at analysis. {@link
 * io.tensorarrow.spark.sql.ExtractPredictions} moves the expressions into {@link
 * io.tensorarrow.spark.sql.Inference} nodes below the operators that they are in, for the rows that
 * need them. {@code InferenceStrategy} plans {@link io.tensorarrow.spark.sql.InferenceExec}, and
 * {@code GatheredBatches} and {@code ConditionalBatches} run the model in the tasks. Other
 * functions stand for tables of what a model has, and take tensor columns apart.
 *
 * <p>Commands that would lose data or leave a table that can't be read are refused before they run
 * ({@code OverwriteGuard}, {@code TableDefinitionGuard}).
 *
 * <p>Threads: expressions and plan nodes are immutable. Rules and strategies are stateless and run
 * in the thread that plans; what one pass over a plan collects belongs to that pass. What runs in a
 * task belongs to it, and is used by one thread at a time.
 *
 * <p>Memory: a batch of an inference is valid until the next one is asked for. Its outputs own
 * TensorFlow's memory; they are closed then, or when the task ends. Its other columns are views of
 * the child's, or of copies on the heap.
 */
@NullMarked
package io.tensorarrow.spark.sql;

import org.jspecify.annotations.NullMarked;
