/**
 * Conversion between Spark's columns and Arrow: columns of a batch as Arrow vectors ({@code
 * ColumnConversion}), Arrow IPC messages whose buffers are aligned to 64 bytes ({@code
 * ArrowMessage}), and columns that a function returned, checked and widened to the types it
 * declared ({@code DeclaredColumns}, with {@code DeclaredType} for what fits and {@code
 * VectorLoader} for the conversion). {@code ArrowFields} has what both directions ask of fields.
 *
 * <p>Threads: objects belong to one thread at a time.
 *
 * <p>Memory: buffers that exist are referenced, not copied; what is converted is owned by {@code
 * ArrowColumns} and freed by closing it.
 */
@NullMarked
package io.tensorarrow.spark.python.arrow;

import org.jspecify.annotations.NullMarked;
