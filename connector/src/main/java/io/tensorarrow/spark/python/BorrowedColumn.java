package io.tensorarrow.spark.python;

import io.tensorarrow.spark.tensor.StableArrowVector;
import org.apache.arrow.vector.FieldVector;

/**
 * A column over a vector that another owns: Spark closes columns after use, and a vector that was
 * closed has lost its memory and its parts.
 */
final class BorrowedColumn extends StableArrowVector {
  BorrowedColumn(FieldVector vector) {
    super(vector);
  }

  @Override
  public void close() {
    // The owner closes the vector.
  }
}
