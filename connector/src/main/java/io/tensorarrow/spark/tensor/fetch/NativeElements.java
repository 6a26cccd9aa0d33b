package io.tensorarrow.spark.tensor.fetch;

import io.tensorarrow.spark.tensor.DType;
import io.tensorarrow.spark.tensor.vector.TensorColumn;
import java.util.List;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.types.pojo.ArrowType;
import org.apache.arrow.vector.types.pojo.FieldType;

/**
 * The tensor under a column of {@link WidenedElements}, which own the memory.
 *
 * @param dtype the tensor's dtype
 * @param form how the column shows its rows
 * @param elements the tensor's memory
 */
record NativeElements(DType dtype, RowForm form, ArrowBuf elements) implements TensorColumn {
  @Override
  public int width() {
    return form.width();
  }

  @Override
  public FieldVector nativeVector(int rows, ArrowBuf elements, BufferAllocator allocator) {
    FieldType bytes = FieldType.notNullable(new ArrowType.FixedSizeBinary(dtype.byteSize()));
    return new ArrowTensors("raw", bytes, false, allocator).vector(rows, form, List.of(elements));
  }
}
