/**
 * TensorFlow's native libraries: extracted once for each host and version into a directory of the
 * user's own, checked, and loaded without a trace in the process's system properties.
 *
 * <p>Threads: loading happens once for each class loader and is synchronised; extraction is safe
 * among the processes of a host. No native memory.
 */
@NullMarked
package io.tensorarrow.spark.model.natives;

import org.jspecify.annotations.NullMarked;
