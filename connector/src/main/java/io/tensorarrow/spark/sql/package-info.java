/**
 * What a session's planner gets, by {@code SessionRules}: Python functions over scored columns are
 * planned in columns, and commands that would lose data or leave a table that can't be read are
 * refused before they run.
 */
@NullMarked
package io.tensorarrow.spark.sql;

import org.jspecify.annotations.NullMarked;
