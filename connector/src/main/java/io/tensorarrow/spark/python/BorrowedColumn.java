package io.tensorarrow.spark.python;

import org.apache.arrow.vector.FieldVector;
import org.apache.spark.sql.vectorized.ArrowColumnVector;

/**
 * A column over a vector that another owns: Spark closes columns after use, and a vector that was
 * closed has lost its memory and its parts.
 */
final class BorrowedColumn extends ArrowColumnVector {
  BorrowedColumn(FieldVector vector) {
    super(vector);
  }

  @Override
  public void close() {
    // The owner closes the vector.
  }
}
