/**
 * SQL functions. {@code SqlFunctions} registers them; {@code PredictCalls} and {@code
 * OptionArguments} check a call of a model at analysis, so that whatever does not fit is an error
 * with a position in the SQL text. Other functions stand for tables of what a model has, or take
 * tensor columns apart.
 *
 * <p>Threads: stateless, in the thread that analyses a query. The functions over tensor columns are
 * evaluated in tasks.
 *
 * <p>Memory: nothing here holds native memory.
 */
@NullMarked
package io.tensorarrow.spark.sql.functions;

import org.jspecify.annotations.NullMarked;
