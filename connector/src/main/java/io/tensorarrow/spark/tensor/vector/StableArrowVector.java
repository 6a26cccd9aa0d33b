package io.tensorarrow.spark.tensor.vector;

import org.apache.arrow.vector.ValueVector;
import org.apache.spark.sql.vectorized.ArrowColumnVector;

/**
 * An Arrow column whose memory nobody writes to again, so that it can be shared where others, which
 * their readers may fill anew, have to be copied.
 *
 * <p>Owns its vector, as {@link ArrowColumnVector} does.
 */
public class StableArrowVector extends ArrowColumnVector {
  /** Takes ownership of the vector. */
  public StableArrowVector(ValueVector vector) {
    super(vector);
  }
}
