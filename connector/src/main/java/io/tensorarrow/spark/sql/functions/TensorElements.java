package io.tensorarrow.spark.sql.functions;

import static io.tensorarrow.spark.errors.TensorArrowException.cannot;

import io.tensorarrow.spark.errors.ErrorCode;
import java.util.Arrays;
import java.util.stream.Collectors;
import org.apache.spark.sql.catalyst.util.ArrayData;
import org.apache.spark.sql.catalyst.util.GenericArrayData;
import org.apache.spark.sql.types.DataType;

/**
 * What SQL functions do with the elements of one row of a tensor, where Spark has no expression for
 * it. Spark's generated code calls these methods, hence they are public. Stateless.
 */
public final class TensorElements {
  private TensorElements() {}

  /**
   * Returns the place of an element among those of a row: one step, for one dimension.
   *
   * @param before the place by the dimensions before this one, 0 for none
   * @param index from 0, or from the end if negative
   * @param size the size of the dimension
   * @param dimension its number, from 0
   * @throws io.tensorarrow.spark.errors.TensorArrowException with {@code TA_TENSOR_INDEX} if the
   *     index is out of range
   */
  public static long place(long before, long index, long size, int dimension) {
    if (index >= size || index < -size) {
      throw cannot(ErrorCode.TA_TENSOR_INDEX, "index dimension %d of a tensor", dimension)
          .found("an index out of range")
          .expected("%s", range(size));
    }
    return before * size + (index < 0 ? index + size : index);
  }

  /** Returns the indices that a dimension has, as messages say it. */
  static String range(long size) {
    return size == 0
        ? "none: the dimension is empty"
        : "one from 0 to %d, or from -%d to -1, which count from the end".formatted(size - 1, size);
  }

  /** Returns bytes as the numbers from 0 to 255. */
  public static ArrayData unsigned(byte[] bytes) {
    short[] numbers = new short[bytes.length];
    for (int i = 0; i < bytes.length; i++) {
      numbers[i] = (short) Byte.toUnsignedInt(bytes[i]);
    }
    return new GenericArrayData(numbers);
  }

  /**
   * Returns the elements of a row in nested arrays.
   *
   * @param elements row-major
   * @param shape at least one dimension, of longs
   * @param elementType of the elements
   * @throws io.tensorarrow.spark.errors.TensorArrowException with {@code TA_TENSOR_UNKNOWN} if the
   *     elements are not as many as the shape says
   */
  public static ArrayData nested(ArrayData elements, ArrayData shape, DataType elementType) {
    long[] dims = shape.toLongArray();
    long count = Arrays.stream(dims).reduce(1, Math::multiplyExact);
    if (count != elements.numElements()) {
      throw cannot(ErrorCode.TA_TENSOR_UNKNOWN, "nest a row of a tensor")
          .found("%d elements", elements.numElements())
          .expected(
              "%d, for shape (%s): was the column changed after the model?",
              count,
              Arrays.stream(dims).mapToObj(Long::toString).collect(Collectors.joining(", ")));
    }
    return nested(elements.toObjectArray(elementType), 0, dims, 0);
  }

  private static ArrayData nested(Object[] elements, int from, long[] dims, int dimension) {
    int size = Math.toIntExact(dims[dimension]);
    if (dimension == dims.length - 1) {
      return new GenericArrayData(Arrays.copyOfRange(elements, from, from + size));
    }
    int width = 1;
    for (int i = dimension + 1; i < dims.length; i++) {
      width *= Math.toIntExact(dims[i]);
    }
    Object[] inner = new Object[size];
    for (int i = 0; i < size; i++) {
      inner[i] = nested(elements, from + i * width, dims, dimension + 1);
    }
    return new GenericArrayData(inner);
  }
}
