/**
 * SavedModels on disk, read in pure Java: layout, signatures, graphs, versions, fingerprints, and
 * the index of the checkpoint.
 *
 * <p>Immutable or static; usable by any thread. No native memory.
 */
@NullMarked
package io.tensorarrow.spark.model.savedmodel;

import org.jspecify.annotations.NullMarked;
