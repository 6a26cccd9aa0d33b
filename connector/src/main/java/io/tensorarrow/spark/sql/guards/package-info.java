/**
 * Planner strategies that refuse commands which would lose data, or leave a table that can't be
 * read, before they run ({@code OverwriteGuard}, {@code TableDefinitionGuard}).
 *
 * <p>Threads: stateless, in the thread that plans. Memory: none of its own.
 */
@NullMarked
package io.tensorarrow.spark.sql.guards;

import org.jspecify.annotations.NullMarked;
