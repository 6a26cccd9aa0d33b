/**
 * Where models lie: local directories and Hadoop file systems, directories of versions, and an
 * executor host's own copies of remote models.
 *
 * <p>Thread-safe; several processes of one host may copy the same model at once. No native memory.
 */
@NullMarked
package io.tensorarrow.spark.model.store;

import org.jspecify.annotations.NullMarked;
