package io.tensorarrow.spark.python.arrow;

import java.util.ArrayList;
import java.util.List;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.util.TransferPair;

/**
 * The columns of a batch as Arrow vectors.
 *
 * <p>Closing it frees the vectors that were made for it; the others belong to the batch's owner.
 */
public final class ArrowColumns implements AutoCloseable {
  private final List<FieldVector> vectors;
  private final List<FieldVector> owned;
  private final long convertedBytes;
  private final BufferAllocator allocator;

  /**
   * @param vectors all columns, in order
   * @param owned the vectors that are closed with this
   * @param convertedBytes how many bytes were converted or copied to make the vectors
   */
  ArrowColumns(
      List<FieldVector> vectors,
      List<FieldVector> owned,
      long convertedBytes,
      BufferAllocator allocator) {
    this.vectors = List.copyOf(vectors);
    this.owned = List.copyOf(owned);
    this.convertedBytes = convertedBytes;
    this.allocator = allocator;
  }

  public List<FieldVector> vectors() {
    return vectors;
  }

  /** Returns how many bytes were converted or copied to make the vectors. */
  public long convertedBytes() {
    return convertedBytes;
  }

  /** Returns some of the rows, over the same memory; the caller closes them. */
  public ArrowColumns slice(int first, int count) {
    if (first == 0 && vectors.stream().allMatch(vector -> vector.getValueCount() == count)) {
      return new ArrowColumns(vectors, List.of(), 0, allocator);
    }
    List<FieldVector> slices = new ArrayList<>();
    try {
      for (FieldVector vector : vectors) {
        TransferPair pair = vector.getTransferPair(allocator);
        slices.add((FieldVector) pair.getTo());
        pair.splitAndTransfer(first, count);
      }
      return new ArrowColumns(slices, slices, 0, allocator);
    } catch (Throwable e) {
      slices.forEach(FieldVector::close);
      throw e;
    }
  }

  @Override
  public void close() {
    owned.forEach(FieldVector::close);
  }
}
