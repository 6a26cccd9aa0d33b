/**
 * The room for inference anywhere in a query: SQL functions, planner rules and the model catalog.
 * It holds nothing in this version.
 */
@NullMarked
package io.tensorarrow.spark.sql;

import org.jspecify.annotations.NullMarked;
