package io.tensorarrow.spark.tensor.fetch;

import io.tensorarrow.spark.options.ColumnTypes;
import io.tensorarrow.spark.tensor.DType;
import io.tensorarrow.spark.tensor.TensorShape;
import io.tensorarrow.spark.tensor.TensorSpec;
import io.tensorarrow.spark.tensor.vector.RowArrays;
import io.tensorarrow.spark.tensor.vector.TensorVector;
import java.util.List;
import java.util.Optional;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.types.pojo.ArrowType;
import org.apache.arrow.vector.types.pojo.FieldType;
import org.apache.spark.sql.types.BinaryType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.vectorized.ColumnVector;

/**
 * The elements under a column that widens them when Spark asks, as TensorFlow left them. Python can
 * have these bytes, since NumPy knows the dtype; Spark's type for it has others.
 *
 * <p>Borrows the column's memory.
 */
public final class NativeElements {
  private final TensorVector column;
  private final ArrowBuf elements;
  private final int elementBytes;

  private NativeElements(TensorVector column, ArrowBuf elements, int elementBytes) {
    this.column = column;
    this.elements = elements;
    this.elementBytes = elementBytes;
  }

  /**
   * Returns whether the column of a tensor has such elements. 4-bit integers are not among them:
   * what TensorFlow keeps of them is no number of NumPy's.
   *
   * @param dtype NumPy's name of the tensor's dtype
   * @param columnType the column's type in Spark
   */
  public static boolean hasRawElements(String dtype, DataType columnType) {
    if (TensorColumns.cellType(columnType) instanceof BinaryType) {
      return false;
    }
    return DType.ofNumpyName(dtype)
        .map(known -> new TensorSpec("", known, TensorShape.of(TensorShape.UNKNOWN_DIM)))
        .flatMap(spec -> OutputElement.of(spec, ColumnTypes.DEFAULT))
        .filter(element -> element.rawBytes().isPresent())
        .isPresent();
  }

  /** Finds them under a column of a batch; empty if it is no such column. */
  public static Optional<NativeElements> under(ColumnVector column) {
    if (!(column instanceof TensorVector vector)) {
      return Optional.empty();
    }
    TensorVector leaf = vector instanceof ShapedRows shaped ? shaped.getChild(0) : vector;
    leaf = leaf instanceof RowArrays arrays ? arrays.getChild(0) : leaf;
    if (leaf instanceof WidenedElements widened && widened.element().rawBytes().isPresent()) {
      int bytes = widened.element().rawBytes().getAsInt();
      return Optional.of(new NativeElements(vector, widened.memory, bytes));
    }
    return Optional.empty();
  }

  /** Returns the memory of all elements; it stays the column's. */
  public ArrowBuf elements() {
    return elements;
  }

  /** Returns how many bytes the elements of one row have. */
  public int rowBytes() {
    if (column instanceof ShapedRows shaped) {
      return shaped.getChild(0).width() * elementBytes;
    }
    return column instanceof RowArrays arrays ? arrays.width() * elementBytes : elementBytes;
  }

  /**
   * Returns an Arrow vector of the column's form whose elements are bytes: a primitive, a list, or
   * a struct of list and shape.
   *
   * @param rows how many rows it has
   * @param bytes {@link #rowBytes} for each of them; stays the caller's
   * @param allocator gives offsets and validity bits
   * @return a vector with its own share in {@code bytes}, owned by the caller
   */
  public FieldVector vector(int rows, ArrowBuf bytes, BufferAllocator allocator) {
    ArrowTensors tensors =
        new ArrowTensors(
            "raw",
            FieldType.notNullable(new ArrowType.FixedSizeBinary(elementBytes)),
            false,
            allocator);
    List<ArrowBuf> buffers = List.of(bytes);
    if (column instanceof ShapedRows shaped) {
      return tensors.shaped(rows, shaped.getChild(0).width(), shaped.rowDims(), buffers);
    }
    return column instanceof RowArrays arrays
        ? tensors.arrays(rows, arrays.width(), buffers)
        : tensors.scalars(rows, buffers);
  }
}
