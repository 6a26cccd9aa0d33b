/**
 * Physical plan nodes over columnar batches, shared by inference in queries and by Python
 * functions: columns chosen, rows filtered and counted, all as views of the child's columns. And
 * batches on the heap: of rows, and of the rows of small batches, gathered for a model.
 *
 * <p>Nodes are immutable and belong to the driver; what they ship to tasks is used by one thread.
 * Batches that they return are valid as long as their child's, which owns the memory; a collector
 * or gatherer owns its copies.
 */
@NullMarked
package io.tensorarrow.spark.columnar;

import org.jspecify.annotations.NullMarked;
