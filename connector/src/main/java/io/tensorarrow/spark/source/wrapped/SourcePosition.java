package io.tensorarrow.spark.source.wrapped;

import java.io.IOException;
import org.apache.spark.TaskContext;
import org.apache.spark.rdd.InputFileBlockHolder;
import org.apache.spark.sql.connector.read.PartitionReader;
import org.apache.spark.sql.vectorized.ColumnarBatch;
import org.apache.spark.unsafe.types.UTF8String;
import org.jspecify.annotations.Nullable;

/**
 * Knows where the rows of a source's current batch come from: the part of a file, and how many rows
 * were read from it before; of a source without files the partition.
 *
 * <p>Used by the thread that reads, which need not always be the same.
 */
public final class SourcePosition {
  private static final FileBlock NO_FILE = new FileBlock(UTF8String.EMPTY_UTF8, 0, 0);

  private final int partition;
  private FileBlock block = NO_FILE;
  private long rowsBefore;
  private int rows;

  /**
   * Starts at the first row of a partition.
   *
   * @param task the task that reads it, if there is one
   */
  public SourcePosition(@Nullable TaskContext task) {
    this.partition = task == null ? 0 : task.partitionId();
  }

  /**
   * Moves to the source's next batch.
   *
   * @return the batch, as valid as the source says, or null if there is none left
   * @throws IOException as the source does
   */
  public @Nullable ColumnarBatch next(PartitionReader<ColumnarBatch> source) throws IOException {
    FileBlock previousBlock = FileBlock.current();
    if (block.isFile()) {
      // The source sets it once for each file, and another one of this task may have set its own
      // since.
      block.makeCurrent();
    } else if (previousBlock.isFile()) {
      // Not unset(), which would detach this thread from the one that it inherited the block from.
      InputFileBlockHolder.set(NO_FILE.path().toString(), NO_FILE.start(), NO_FILE.length());
    }
    boolean hasBatch = source.next();
    FileBlock currentBlock = FileBlock.current();
    if (!block.isFile() && !currentBlock.isFile()) {
      previousBlock.makeCurrent();
    }
    if (!hasBatch) {
      return null;
    }
    if (currentBlock.isFile() && !currentBlock.equals(block)) {
      block = currentBlock;
      rowsBefore = 0;
    } else {
      rowsBefore += rows;
    }
    ColumnarBatch batch = source.get();
    rows = batch.numRows();
    return batch;
  }

  /** Returns the number that a row of the current batch has among all that were read. */
  public long row(int inBatch) {
    return rowsBefore + inBatch;
  }

  /** Returns for messages where a row is. */
  public String of(long row) {
    return "in row " + row + where();
  }

  /** Returns for messages where rows are. */
  public String of(long first, long last) {
    return "for rows " + first + " to " + last + where();
  }

  private String where() {
    return block.isFile() ? " of " + block : " of those read in partition " + partition;
  }

  /** Returns what explains {@link #of}. */
  public String note() {
    return block.isFile()
        ? "a split is its start and length in bytes; rows are counted from 0 as they are read from"
            + " it"
        : "rows are counted from 0";
  }
}
