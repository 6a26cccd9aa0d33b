package io.tensorarrow.spark.tensor;

import java.util.List;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.ForeignAllocation;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.complex.ListVector;
import org.apache.arrow.vector.complex.StructVector;
import org.apache.arrow.vector.ipc.message.ArrowFieldNode;
import org.apache.arrow.vector.types.Types.MinorType;
import org.apache.arrow.vector.types.pojo.FieldType;
import org.apache.spark.unsafe.Platform;

/**
 * Builds Arrow vectors over a tensor's memory: primitive, list or struct, as {@link TensorColumns}
 * says. Lists are Arrow's plain ones, with regular offsets: Spark's accessors know no fixed-size
 * ones. Validity bits are all set, and allocated because Arrow's and Spark's accessors read them.
 */
final class TensorVectors {
  private final BufferAllocator allocator;

  TensorVectors(BufferAllocator allocator) {
    this.allocator = allocator;
  }

  /**
   * Returns a vector of the tensor's rows, which owns the tensor. When this fails the tensor may be
   * closed already, or not.
   *
   * @param tensor a tensor of the dtype and shape that {@code spec} declares
   */
  FieldVector over(NativeTensor tensor, ElementType element, TensorSpec spec, String name) {
    FieldVector column = empty(element, spec.shape().rowDims(), name);
    try (ArrowBuf memory = memoryOf(tensor)) {
      load(column, tensor.dims(), memory);
      return column;
    } catch (Throwable fault) {
      column.close();
      throw fault;
    }
  }

  private FieldVector empty(ElementType element, long[] rowDims, String name) {
    if (rowDims.length == 0) {
      return notNull(element.arrowType()).createNewSingleVector(name, allocator, null);
    }
    return Dims.unknowns(rowDims) <= 1
        ? new ElementList(name, allocator, element.arrowType())
        : new ShapedStruct(name, allocator, element.arrowType());
  }

  private void load(FieldVector column, long[] dims, ArrowBuf memory) {
    int rows = Math.toIntExact(dims[0]);
    if (column instanceof ElementList list) {
      loadList(list, rows, width(dims), memory);
    } else if (column instanceof ShapedStruct struct) {
      loadList(struct.data, rows, width(dims), memory);
      try (ArrowBuf shapes = shapes(dims)) {
        loadList(struct.shape, rows, dims.length - 1, shapes);
      }
      struct.loadFieldBuffers(new ArrowFieldNode(rows, 0), List.of(allocator.getEmpty()));
    } else {
      loadElements(column, rows, memory);
    }
  }

  private void loadList(ElementList list, int rows, int width, ArrowBuf memory) {
    loadElements(list.getDataVector(), Math.multiplyExact(rows, width), memory);
    try (ArrowBuf offsets = allocator.buffer((rows + 1L) * Integer.BYTES)) {
      for (int row = 0; row <= rows; row++) {
        Platform.putInt(null, offsets.memoryAddress() + (long) row * Integer.BYTES, row * width);
      }
      list.loadFieldBuffers(new ArrowFieldNode(rows, 0), List.of(allocator.getEmpty(), offsets));
    }
  }

  private void loadElements(FieldVector elements, int count, ArrowBuf memory) {
    elements.loadFieldBuffers(new ArrowFieldNode(count, 0), List.of(allocator.getEmpty(), memory));
  }

  /** Returns the shape of a row, once for each row. */
  private ArrowBuf shapes(long[] dims) {
    long rank = dims.length - 1L;
    ArrowBuf shapes = allocator.buffer(dims[0] * rank * Integer.BYTES);
    for (long i = 0; i < dims[0] * rank; i++) {
      int dim = Math.toIntExact(dims[(int) (i % rank) + 1]);
      Platform.putInt(null, shapes.memoryAddress() + i * Integer.BYTES, dim);
    }
    return shapes;
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
  private static int width(long[] dims) {
    return dims[0] == 0 ? 0 : Math.toIntExact(Dims.knownProduct(dims) / dims[0]);
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
    final ElementList data;
    final ElementList shape;

    ShapedStruct(String name, BufferAllocator allocator, MinorType element) {
      super(name, allocator, notNull(MinorType.STRUCT), null);
      data = new ElementList("data", allocator, element);
      shape = new ElementList("shape", allocator, MinorType.INT);
      putChild(data.getName(), data);
      putChild(shape.getName(), shape);
    }
  }
}
