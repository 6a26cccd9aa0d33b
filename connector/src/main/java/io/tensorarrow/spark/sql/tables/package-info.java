/**
 * Reads of the data source whose rows come from a catalog table, a query, or a source without a
 * batch reader of Data Source V2. {@code QueryTables} opens them. Spark sees a table without a
 * reader; {@link io.tensorarrow.spark.sql.tables.PlanQueryTables} puts the rows' own plan, with a
 * call of the model over it, in its place.
 *
 * <p>Threads: on the driver, in the thread that analyses or plans a query. A read is shared by the
 * queries over it, and is thread-safe.
 *
 * <p>Memory: nothing here holds native memory.
 */
@NullMarked
package io.tensorarrow.spark.sql.tables;

import org.jspecify.annotations.NullMarked;
