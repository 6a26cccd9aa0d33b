/**
 * Planner rules for queries as a whole: commands that would lose data or leave a table that can't
 * be read are refused before they run ({@code OverwriteGuard}, {@code TableDefinitionGuard}).
 *
 * <p>SQL functions ({@code SqlFunctions}) call models in expressions, stand for tables of what a
 * model has and of rows with its outputs, and take tensor columns apart.
 *
 * <p>Rules are stateless and run in the thread that plans. No native memory.
 */
@NullMarked
package io.tensorarrow.spark.sql;

import org.jspecify.annotations.NullMarked;
