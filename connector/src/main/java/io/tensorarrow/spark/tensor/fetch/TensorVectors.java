package io.tensorarrow.spark.tensor.fetch;

import io.tensorarrow.spark.tensor.DType;
import io.tensorarrow.spark.tensor.NativeTensor;
import io.tensorarrow.spark.tensor.vector.RowArrays;
import io.tensorarrow.spark.tensor.vector.StableArrowVector;
import io.tensorarrow.spark.tensor.vector.TensorVector;
import java.util.List;
import java.util.Optional;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.ForeignAllocation;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.types.Types.MinorType;
import org.apache.spark.sql.vectorized.ColumnVector;

/**
 * Builds columns over a tensor's memory: primitive, list or struct, as {@link TensorColumns} says.
 *
 * <p>Where Spark reads the elements itself, these are Arrow's vectors. Other elements are read by
 * vectors of our own, which need neither offsets nor validity bits.
 */
final class TensorVectors {
  private final OutputColumn column;
  private final int rows;
  private final BufferAllocator allocator;

  /**
   * @param column the output and its column
   * @param rows how many of a tensor's rows are wanted, from the first
   */
  TensorVectors(OutputColumn column, int rows, BufferAllocator allocator) {
    this.column = column;
    this.rows = rows;
    this.allocator = allocator;
  }

  /**
   * Returns a vector of the tensor's rows, which owns the tensor; strings are copied and their
   * tensor closed. When this fails the tensor may be closed already, or not.
   *
   * @param tensor a tensor of the dtype and shape that {@code column} declares
   */
  ColumnVector over(NativeTensor tensor) {
    RowForm form = form(tensor.dims());
    return over(elements(tensor, form.width()), form);
  }

  /**
   * Returns a vector over the elements of a tensor.
   *
   * @param elements the buffers behind the elements' validity bits, taken over in every case
   * @param form how the rows look, {@link #form} of the tensor's shape
   */
  ColumnVector over(List<ArrowBuf> elements, RowForm form) {
    Optional<MinorType> arrowType = column.element().arrowType();
    if (arrowType.isEmpty()) {
      return widened(elements.get(0), form);
    }
    try {
      return new StableArrowVector(arrow(elements, form, arrowType.get()));
    } finally {
      elements.forEach(ArrowBuf::close);
    }
  }

  private TensorVector widened(ArrowBuf memory, RowForm form) {
    NativeElements tensor = new NativeElements(column.spec().dtype(), form, memory);
    TensorVector elements = WidenedElements.of(column.element(), tensor);
    if (!form.hasArrays()) {
      return elements;
    }
    RowArrays arrays = new RowArrays(elements, form.width());
    return form.hasShape() ? new ShapedRows(arrays, form.shape()) : arrays;
  }

  private FieldVector arrow(List<ArrowBuf> elements, RowForm form, MinorType element) {
    boolean rowsAreBytes = column.element() == OutputElement.BYTES_OF_ROW;
    return new ArrowTensors(column.name(), ArrowTensors.notNull(element), rowsAreBytes, allocator)
        .vector(rows, form, elements);
  }

  /**
   * Returns how the rows of a tensor look.
   *
   * @param dims the tensor's shape, which fits what {@code column} declares
   */
  RowForm form(long[] dims) {
    return RowForm.of(column.spec().shape().rowDims(), dims);
  }

  /** Returns the buffers behind an Arrow vector's validity bits. */
  private List<ArrowBuf> elements(NativeTensor tensor, int width) {
    if (tensor.dtype() != DType.STRING) {
      return List.of(memoryOf(tensor));
    }
    int count = Math.multiplyExact(rows, width);
    List<ArrowBuf> copied = new StringElements(tensor, column, count).copy(allocator);
    tensor.close();
    return copied;
  }

  /** Wraps the tensor's memory; releasing the buffer for the last time closes the tensor. */
  private ArrowBuf memoryOf(NativeTensor tensor) {
    if (tensor.byteSize() == 0) {
      tensor.close();
      return allocator.getEmpty();
    }
    return allocator.wrapForeignAllocation(
        new ForeignAllocation(tensor.byteSize(), tensor.address()) {
          @Override
          protected void release0() {
            tensor.close();
          }
        });
  }
}
