/**
 * What the processes of a host share: locks on files, private directories, names of host and files,
 * and the check for interruption in long loops over files.
 *
 * <p>Threads: a lock belongs to the process and is released when the process ends; the rest is
 * static. No native memory. Knows no other package but {@code errors}.
 */
@NullMarked
package io.tensorarrow.spark.host;

import org.jspecify.annotations.NullMarked;
