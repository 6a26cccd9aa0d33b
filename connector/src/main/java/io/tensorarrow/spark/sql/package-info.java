/**
 * Planner rules for queries as a whole: commands that would lose data or leave a table that can't
 * be read are refused before they run ({@code OverwriteGuard}, {@code TableDefinitionGuard}).
 *
 * <p>Rules are stateless and run in the thread that plans. No native memory.
 */
@NullMarked
package io.tensorarrow.spark.sql;

import org.jspecify.annotations.NullMarked;
