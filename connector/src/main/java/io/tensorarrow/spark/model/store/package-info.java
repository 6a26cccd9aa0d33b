/**
 * Where models are: the files of a directory on the local or any Hadoop file system, and an
 * executor host's own copies of remote models.
 *
 * <p>Layout of the copies' directory, which is the user's own: {@code <name>/} is a complete copy,
 * {@code <name>.unfinished-*} one in the making, {@code <name>.lock} is locked by whoever makes
 * (alone) or reads it (with others), and its time is when the copy was last used. Locks end with
 * their process, so a crash leaves nothing that blocks; what it left is deleted when the next copy
 * is made.
 *
 * <p>{@link io.tensorarrow.spark.model.store.ModelCopies} is thread-safe, and so for several
 * processes of one host; {@link io.tensorarrow.spark.model.store.ModelFiles} belong to one thread.
 * No native memory. Nothing here knows what the files mean.
 */
@NullMarked
package io.tensorarrow.spark.model.store;

import org.jspecify.annotations.NullMarked;
