/**
 * The read path of {@code option("variables", "true")}: a table of a model's variables, whose
 * elements are read on the executors in ranges of the data files.
 *
 * <p>Threads and memory as in {@code source}; no native memory.
 */
@NullMarked
package io.tensorarrow.spark.source.variables;

import org.jspecify.annotations.NullMarked;
