package io.tensorarrow.spark.tensor.vector;

import org.apache.arrow.vector.FieldVector;

/**
 * A column over a vector that another owns: Spark closes columns after use, and a vector that was
 * closed has lost its memory and its parts.
 */
public final class BorrowedColumn extends StableArrowVector {
  public BorrowedColumn(FieldVector vector) {
    super(vector);
  }

  @Override
  public void close() {
    // The owner closes the vector.
  }
}
