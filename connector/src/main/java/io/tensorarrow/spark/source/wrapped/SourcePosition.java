package io.tensorarrow.spark.source.wrapped;

import java.io.IOException;
import org.apache.spark.TaskContext;
import org.apache.spark.rdd.InputFileBlockHolder;
import org.apache.spark.sql.connector.read.PartitionReader;
import org.apache.spark.sql.vectorized.ColumnarBatch;
import org.jspecify.annotations.Nullable;

/**
 * Knows where the rows of a source's current batch come from: the part of a file, and how many rows
 * were read from it before; of a source without files the partition.
 *
 * <p>Used by the thread that reads, which need not always be the same.
 */
public final class SourcePosition {
  private final int partition;
  private FileBlock block = SourcePlace.NO_FILE;
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
    return this.<IOException>advance(() -> source.next() ? source.get() : null);
  }

  /**
   * Moves to the next batch of a source that is no reader.
   *
   * @return the batch, as valid as the source says, or null if there is none left
   * @throws E as the source does
   */
  public <E extends Exception> @Nullable ColumnarBatch advance(Advance<E> source) throws E {
    FileBlock previousBlock = FileBlock.current();
    if (block.isFile()) {
      // The source sets it once for each file, and another one of this task may have set its own
      // since.
      block.makeCurrent();
    } else if (previousBlock.isFile()) {
      // Not unset(), which would detach this thread from the one that it inherited the block from.
      FileBlock none = SourcePlace.NO_FILE;
      InputFileBlockHolder.set(none.path().toString(), none.start(), none.length());
    }
    ColumnarBatch batch = source.next();
    FileBlock currentBlock = FileBlock.current();
    if (!block.isFile() && !currentBlock.isFile()) {
      previousBlock.makeCurrent();
    }
    if (batch == null) {
      return null;
    }
    if (currentBlock.isFile() && !currentBlock.equals(block)) {
      block = currentBlock;
      rowsBefore = 0;
    } else {
      rowsBefore += rows;
    }
    rows = batch.numRows();
    return batch;
  }

  /** Returns where the current batch comes from. */
  public SourcePlace place() {
    long before = rowsBefore;
    return new SourcePlace(block, partition, row -> before + row);
  }

  /** Moves a source on. */
  @FunctionalInterface
  public interface Advance<E extends Exception> {
    /** Returns the source's next batch, or null if there is none left. */
    @Nullable ColumnarBatch next() throws E;
  }
}
