package io.tensorarrow.spark.source.wrapped;

import io.tensorarrow.spark.columnar.BatchGatherer.Gathered;
import io.tensorarrow.spark.columnar.BatchGatherer.Part;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.tensor.vector.RowSelection;
import org.apache.spark.unsafe.types.UTF8String;

/**
 * Where the rows of a source's batch come from: the part of a file, or the partition of a source
 * without files. Immutable; it outlives the batch.
 */
public final class SourcePlace {
  static final FileBlock NO_FILE = new FileBlock(UTF8String.EMPTY_UTF8, 0, 0);

  private final FileBlock block;
  private final int partition;
  private final Numbering numbering;

  /** Knows which number a row of the batch has among all that were read from the place. */
  @FunctionalInterface
  public interface Numbering {
    /** Returns the number of a row, counted from 0. */
    long of(int inBatch);
  }

  SourcePlace(FileBlock block, int partition, Numbering numbering) {
    this.block = block;
    this.partition = partition;
    this.numbering = numbering;
  }

  /** Returns the place of a batch of the same file whose rows are numbered otherwise. */
  public SourcePlace numbered(Numbering other) {
    return new SourcePlace(block, partition, other);
  }

  /** Returns whether another batch is from the same file, or neither is from one. */
  public boolean isWith(SourcePlace other) {
    return block.equals(other.block);
  }

  /** Makes its file the one that {@code input_file_name()} returns, if it is of a file. */
  public void makeCurrent() {
    block.makeCurrent();
  }

  /** Returns the number that a row of the batch has among all that were read. */
  public long row(int inBatch) {
    return numbering.of(inBatch);
  }

  /** Returns an error of rows of a batch with the place that they have in the source. */
  public static TensorArrowException placed(
      TensorArrowException error, Gathered<SourcePlace> batch) {
    RowSelection rows = batch.rows();
    Part<SourcePlace> first = batch.origin(error.row().orElse(rows.at(0)));
    Part<SourcePlace> last = batch.origin(error.row().orElse(rows.at(rows.size() - 1)));
    String where =
        error.row().isPresent()
            ? first.place().of(first.rows().at(0))
            : first.place().of(first.rows().at(0), last.place(), last.rows().at(0));
    return error.at(where, first.place().note());
  }

  /** Returns for messages where a row of the batch is. */
  String of(int row) {
    return "in " + text(row);
  }

  /** Returns for messages where rows are: from one of this batch to one of the same or another. */
  String of(int first, SourcePlace lastPlace, int last) {
    return isWith(lastPlace)
        ? "for rows " + row(first) + " to " + lastPlace.row(last) + where()
        : "for the rows from " + text(first) + " to " + lastPlace.text(last);
  }

  private String text(int row) {
    return "row " + row(row) + where();
  }

  private String where() {
    return block.isFile() ? " of " + block : " of those read in partition " + partition;
  }

  /** Returns what explains {@link #of}. */
  String note() {
    return block.isFile()
        ? "a split is its start and length in bytes; rows are counted from 0 as they are read from"
            + " it"
        : "rows are counted from 0";
  }
}
