package io.tensorarrow.spark.tensor;

import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.ForeignAllocation;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.VarBinaryVector;
import org.apache.arrow.vector.complex.ListVector;
import org.apache.arrow.vector.complex.StructVector;
import org.apache.arrow.vector.ipc.message.ArrowFieldNode;
import org.apache.arrow.vector.types.Types.MinorType;
import org.apache.arrow.vector.types.pojo.FieldType;
import org.apache.spark.sql.vectorized.ColumnVector;
import org.apache.spark.unsafe.Platform;

/**
 * Builds vectors over a tensor's memory: primitive, list or struct, as {@link TensorColumns} says.
 *
 * <p>Where Spark reads the elements itself, these are Arrow's vectors. Lists are Arrow's plain
 * ones, with regular offsets: Spark's accessors know no fixed-size ones. Validity bits are all set,
 * and allocated because Arrow's and Spark's accessors read them. Other elements are read by vectors
 * of our own, which need neither.
 */
final class TensorVectors {
  private final OutputColumn column;
  private final int rows;
  private final BufferAllocator allocator;

  /**
   * Takes what is to be built.
   *
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
    Optional<MinorType> arrowType = column.element().arrowType();
    return arrowType.isPresent()
        ? new StableArrowVector(arrow(tensor, arrowType.get()))
        : widened(tensor);
  }

  private TensorVector widened(NativeTensor tensor) {
    TensorVector elements = WidenedElements.of(column.element(), memoryOf(tensor));
    long[] rowDims = column.spec().shape().rowDims();
    if (rowDims.length == 0) {
      return elements;
    }
    RowArrays arrays = new RowArrays(elements, width(tensor));
    return Dims.unknowns(rowDims) <= 1 ? arrays : new ShapedRows(arrays, rowShape(tensor));
  }

  private FieldVector arrow(NativeTensor tensor, MinorType element) {
    FieldVector vector = empty(element);
    try {
      List<ArrowBuf> elements = elements(tensor);
      try {
        load(vector, tensor, elements);
      } finally {
        elements.forEach(ArrowBuf::close);
      }
      return vector;
    } catch (Throwable fault) {
      vector.close();
      throw fault;
    }
  }

  private FieldVector empty(MinorType element) {
    long[] rowDims = column.spec().shape().rowDims();
    if (rowDims.length == 0) {
      return notNull(element).createNewSingleVector(column.name(), allocator, null);
    }
    return Dims.unknowns(rowDims) <= 1
        ? arrays(column.name(), element)
        : new ShapedStruct(column.name(), allocator, arrays("data", element));
  }

  private FieldVector arrays(String name, MinorType element) {
    return column.element() == OutputElement.BYTES_OF_ROW
        ? new VarBinaryVector(name, notNull(element), allocator)
        : new ElementList(name, allocator, element);
  }

  /** Returns the buffers behind an Arrow vector's validity bits. */
  private List<ArrowBuf> elements(NativeTensor tensor) {
    if (tensor.dtype() != DType.STRING) {
      return List.of(memoryOf(tensor));
    }
    int count = Math.multiplyExact(rows, width(tensor));
    List<ArrowBuf> copied = new StringElements(tensor, column, count).copy(allocator);
    tensor.close();
    return copied;
  }

  private void load(FieldVector vector, NativeTensor tensor, List<ArrowBuf> elements) {
    if (vector instanceof ShapedStruct struct) {
      loadArrays(struct.data, width(tensor), elements);
      int[] rowShape = rowShape(tensor);
      try (ArrowBuf shapes = repeated(rowShape)) {
        loadArrays(struct.shape, rowShape.length, List.of(shapes));
      }
      struct.loadFieldBuffers(new ArrowFieldNode(rows, 0), List.of(allocator.getEmpty()));
    } else if (column.spec().shape().rowDims().length > 0) {
      loadArrays(vector, width(tensor), elements);
    } else {
      loadBuffers(vector, rows, elements);
    }
  }

  private void loadArrays(FieldVector arrays, int width, List<ArrowBuf> elements) {
    try (ArrowBuf offsets = offsets(width)) {
      if (arrays instanceof ElementList list) {
        loadBuffers(list.getDataVector(), Math.multiplyExact(rows, width), elements);
        loadBuffers(list, rows, List.of(offsets));
      } else {
        loadBuffers(arrays, rows, List.of(offsets, elements.get(0)));
      }
    }
  }

  private void loadBuffers(FieldVector vector, int count, List<ArrowBuf> buffers) {
    List<ArrowBuf> all = Stream.concat(Stream.of(allocator.getEmpty()), buffers.stream()).toList();
    vector.loadFieldBuffers(new ArrowFieldNode(count, 0), all);
  }

  private ArrowBuf offsets(int width) {
    ArrowBuf offsets = allocator.buffer((rows + 1L) * Integer.BYTES);
    for (int row = 0; row <= rows; row++) {
      Platform.putInt(null, offsets.memoryAddress() + (long) row * Integer.BYTES, row * width);
    }
    return offsets;
  }

  /** Returns the numbers, once for each row. */
  private ArrowBuf repeated(int[] numbers) {
    long count = (long) rows * numbers.length;
    ArrowBuf repeated = allocator.buffer(count * Integer.BYTES);
    for (long i = 0; i < count; i++) {
      int number = numbers[(int) (i % numbers.length)];
      Platform.putInt(null, repeated.memoryAddress() + i * Integer.BYTES, number);
    }
    return repeated;
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

  /** The elements of a row; there are none at all if there are no rows. */
  private static int width(NativeTensor tensor) {
    long rows = tensor.dims()[0];
    return rows == 0 ? 0 : Math.toIntExact(tensor.elementCount() / rows);
  }

  private static int[] rowShape(NativeTensor tensor) {
    long[] dims = tensor.dims();
    return IntStream.range(1, dims.length).map(i -> Math.toIntExact(dims[i])).toArray();
  }

  private static FieldType notNull(MinorType type) {
    return FieldType.notNullable(type.getType());
  }

  /** A list whose elements have the name that Spark gives them, and are not nullable. */
  private static final class ElementList extends ListVector {
    ElementList(String name, BufferAllocator allocator, MinorType element) {
      super(name, allocator, notNull(MinorType.LIST), null);
      defaultDataVectorName = "element";
      addOrGetVector(notNull(element));
    }
  }

  private static final class ShapedStruct extends StructVector {
    final FieldVector data;
    final ElementList shape;

    ShapedStruct(String name, BufferAllocator allocator, FieldVector data) {
      super(name, allocator, notNull(MinorType.STRUCT), null);
      this.data = data;
      this.shape = new ElementList("shape", allocator, MinorType.INT);
      putChild(data.getName(), data);
      putChild(shape.getName(), shape);
    }
  }
}
