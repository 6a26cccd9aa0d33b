package io.tensorarrow.spark.python;

import java.util.List;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.util.TransferPair;

/**
 * The columns of a batch as Arrow vectors.
 *
 * <p>Closing it frees those that were made for it; others belong to who gave the batch.
 */
final class ArrowColumns implements AutoCloseable {
  private final List<FieldVector> vectors;
  private List<FieldVector> owned;
  private final int rows;
  private final BufferAllocator allocator;

  /**
   * Takes vectors.
   *
   * @param vectors all of them, in order
   * @param owned those to be closed with this
   * @param rows how many rows they have, at least
   */
  ArrowColumns(
      List<FieldVector> vectors, List<FieldVector> owned, int rows, BufferAllocator allocator) {
    this.vectors = List.copyOf(vectors);
    this.owned = List.copyOf(owned);
    this.rows = rows;
    this.allocator = allocator;
  }

  List<FieldVector> vectors() {
    return vectors;
  }

  /** How many bytes those take that were made for this. */
  long ownedBytes() {
    return owned.stream().mapToLong(FieldVector::getBufferSize).sum();
  }

  int rows() {
    return rows;
  }

  /** Returns some of the rows, over the same memory; to be closed, too, and before this. */
  ArrowColumns slice(int first, int count) {
    if (first == 0 && vectors.stream().allMatch(vector -> vector.getValueCount() == count)) {
      return new ArrowColumns(vectors, List.of(), count, allocator);
    }
    return split(first, count);
  }

  /** Returns some of the rows, with references of their own to the memory; to be closed, too. */
  ArrowColumns split(int first, int count) {
    List<FieldVector> slices = vectors.stream().map(vector -> split(vector, first, count)).toList();
    return new ArrowColumns(slices, slices, count, allocator);
  }

  /**
   * Returns the first rows in vectors that do not depend on others, to be closed: those made for
   * this go over to the result, to others it has references of its own.
   */
  ArrowColumns retain(int count) {
    List<FieldVector> kept =
        vectors.stream()
            .map(vector -> owned.contains(vector) ? vector : split(vector, 0, count))
            .toList();
    owned = List.of();
    return new ArrowColumns(kept, kept, count, allocator);
  }

  private FieldVector split(FieldVector vector, int first, int count) {
    TransferPair pair = vector.getTransferPair(allocator);
    pair.splitAndTransfer(first, count);
    return (FieldVector) pair.getTo();
  }

  @Override
  public void close() {
    owned.forEach(FieldVector::close);
  }
}
