/**
 * A model's variables, read from its checkpoint in pure Java: the list of them on the driver,
 * ranges of their data files on the executors.
 *
 * <p>Threads: lists are immutable; a reader belongs to one thread. No native memory.
 */
@NullMarked
package io.tensorarrow.spark.model.variables;

import org.jspecify.annotations.NullMarked;
