package io.tensorarrow.spark.python;

import org.apache.arrow.vector.FieldVector;
import org.apache.spark.sql.vectorized.ArrowColumnVector;

/**
 * A column over a vector that somebody else closes: Spark closes columns after use, and a struct
 * that was closed has lost its fields.
 */
final class BorrowedColumn extends ArrowColumnVector {
  BorrowedColumn(FieldVector vector) {
    super(vector);
  }

  @Override
  public void close() {
    // The vector's owner does.
  }
}
