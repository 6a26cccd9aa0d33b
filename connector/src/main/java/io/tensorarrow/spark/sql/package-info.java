/**
 * Models in queries: the expression of a call, and the rules that plan it.
 *
 * <p>A call of an SQL function, or a model over a Dataset, is an expression, {@link
 * io.tensorarrow.spark.sql.Predict}, which {@code sql.functions} makes. {@link
 * io.tensorarrow.spark.sql.ExtractPredictions} moves the expressions into {@link
 * io.tensorarrow.spark.sql.Inference} nodes below the operators that they are in, for the rows that
 * need them. {@code sql.execution} plans and runs them. {@link
 * io.tensorarrow.spark.sql.BatchesAcrossFiles} decides where a batch ends.
 *
 * <p>Threads: expressions and plan nodes are immutable. Rules are stateless and run in the thread
 * that plans; what one pass over a plan collects belongs to that pass.
 *
 * <p>Memory: nothing here holds native memory; it is on the driver only.
 */
@NullMarked
package io.tensorarrow.spark.sql;

import org.jspecify.annotations.NullMarked;
