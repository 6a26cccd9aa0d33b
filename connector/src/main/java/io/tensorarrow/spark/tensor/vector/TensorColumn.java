package io.tensorarrow.spark.tensor.vector;

import io.tensorarrow.spark.tensor.DType;
import java.util.Optional;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.FieldVector;
import org.apache.spark.sql.vectorized.ColumnVector;

/**
 * The tensor under a column: its elements with TensorFlow's own bytes, where Spark reads other
 * types. NumPy can have these bytes, since it knows the dtype.
 *
 * <p>Valid until the column is closed, whose memory it borrows.
 */
public interface TensorColumn {
  /**
   * Finds the tensor under a column of a batch.
   *
   * @param column any; of a {@link SelectedColumn} its {@link SelectedColumn#origin}
   * @return empty if Spark reads the bytes as they are, if NumPy can't, or if there is no tensor
   */
  static Optional<TensorColumn> under(ColumnVector column) {
    return column instanceof TensorVector vector
        ? vector.tensor().filter(tensor -> tensor.dtype().layout() == DType.Layout.NUMPY)
        : Optional.empty();
  }

  /** Returns the tensor's dtype. */
  DType dtype();

  /** Returns how many elements one row has; 1 of a tensor without inner dimensions. */
  int width();

  /** Returns the memory of all elements, in row-major order; it stays the column's. */
  ArrowBuf elements();

  /**
   * Returns an Arrow vector of the column's form whose elements are bytes: a primitive, a list, or
   * a struct of list and shape.
   *
   * @param rows how many rows it has
   * @param elements {@link #rowBytes} for each of them; stays the caller's
   * @param allocator gives offsets and validity bits
   * @return a vector with its own share in {@code elements}, owned by the caller
   */
  FieldVector nativeVector(int rows, ArrowBuf elements, BufferAllocator allocator);

  /** Returns how many bytes the elements of one row have. */
  default int rowBytes() {
    return width() * dtype().byteSize();
  }
}
