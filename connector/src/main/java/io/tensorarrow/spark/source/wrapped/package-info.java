/**
 * The source that holds the rows: how it is opened and checked ({@code WrappedSource}, {@code
 * TableFormats}, {@code MisspeltOptions}), and adapters over its readers: batches of rows ({@code
 * RowBatchReader}), the column {@code _metadata} ({@code FileMetadata}), bounded batches ({@code
 * ReaderBatchSize}), and the position of rows for messages ({@code SourcePosition}).
 *
 * <p>Threads: sources and checks are immutable; a reader belongs to one task and is used by one
 * thread at a time.
 *
 * <p>Memory: columns stay the source's own, valid until its next batch.
 */
@NullMarked
package io.tensorarrow.spark.source.wrapped;

import org.jspecify.annotations.NullMarked;
