package io.tensorarrow.spark.tensor.fetch;

import io.tensorarrow.spark.tensor.vector.Validity;
import java.util.List;
import java.util.stream.Stream;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.VarBinaryVector;
import org.apache.arrow.vector.complex.ListVector;
import org.apache.arrow.vector.complex.StructVector;
import org.apache.arrow.vector.ipc.message.ArrowFieldNode;
import org.apache.arrow.vector.types.Types.MinorType;
import org.apache.arrow.vector.types.pojo.FieldType;
import org.apache.spark.unsafe.Platform;

/**
 * Arrow vectors over the elements of a tensor, in the forms that a tensor's column can have.
 *
 * <p>Lists are Arrow's plain ones, with regular offsets: Spark's accessors know no fixed-size ones.
 * Validity bits are all set; they are there because Arrow's and Spark's accessors read them.
 *
 * <p>The buffers behind an element's validity bits stay the caller's; the vectors have their own
 * share in them.
 */
final class ArrowTensors {
  private final String name;
  private final FieldType element;
  private final boolean rowsAreBytes;
  private final BufferAllocator allocator;

  /**
   * @param name the column's name
   * @param element the Arrow type of an element
   * @param rowsAreBytes whether all bytes of a row are one value, where it would be an array
   */
  ArrowTensors(String name, FieldType element, boolean rowsAreBytes, BufferAllocator allocator) {
    this.name = name;
    this.element = element;
    this.rowsAreBytes = rowsAreBytes;
    this.allocator = allocator;
  }

  static FieldType notNull(MinorType type) {
    return FieldType.notNullable(type.getType());
  }

  /**
   * Returns a vector of the rows of a tensor.
   *
   * @param elements the buffers behind the elements' validity bits, one row's after another's
   */
  FieldVector vector(int rows, RowForm form, List<ArrowBuf> elements) {
    if (!form.hasArrays()) {
      return scalars(rows, elements);
    }
    return form.hasShape()
        ? shaped(rows, form.width(), form.shape(), elements)
        : arrays(rows, form.width(), elements);
  }

  /** Returns one element for each row. */
  private FieldVector scalars(int rows, List<ArrowBuf> elements) {
    FieldVector vector = element.createNewSingleVector(name, allocator, null);
    return filled(vector, () -> loadBuffers(vector, rows, elements));
  }

  /** Returns {@code width} elements for each row, one row's after another's. */
  private FieldVector arrays(int rows, int width, List<ArrowBuf> elements) {
    FieldVector arrays = emptyArrays(name);
    return filled(arrays, () -> loadArrays(arrays, rows, width, elements));
  }

  /**
   * Returns the {@code width} elements of each row beside the shape, which all rows have in common.
   */
  private FieldVector shaped(int rows, int width, int[] rowShape, List<ArrowBuf> elements) {
    ShapedStruct struct = new ShapedStruct(name, allocator, emptyArrays("data"));
    return filled(
        struct,
        () -> {
          loadArrays(struct.data, rows, width, elements);
          try (ArrowBuf shapes = repeated(rowShape, rows)) {
            loadArrays(struct.shape, rows, rowShape.length, List.of(shapes));
          }
          loadBuffers(struct, rows, List.of());
        });
  }

  private FieldVector emptyArrays(String arraysName) {
    return rowsAreBytes
        ? new VarBinaryVector(arraysName, notNull(MinorType.VARBINARY), allocator)
        : new ElementList(arraysName, allocator, element);
  }

  private static FieldVector filled(FieldVector vector, Runnable filling) {
    try {
      filling.run();
      return vector;
    } catch (Throwable e) {
      vector.close();
      throw e;
    }
  }

  private void loadArrays(FieldVector arrays, int rows, int width, List<ArrowBuf> elements) {
    try (ArrowBuf offsets = offsets(rows, width)) {
      if (arrays instanceof ElementList list) {
        loadBuffers(list.getDataVector(), Math.multiplyExact(rows, width), elements);
        loadBuffers(list, rows, List.of(offsets));
      } else {
        loadBuffers(arrays, rows, List.of(offsets, elements.get(0)));
      }
    }
  }

  private void loadBuffers(FieldVector vector, int count, List<ArrowBuf> buffers) {
    ArrowBuf validity = Validity.allSet(count, allocator);
    List<ArrowBuf> withValidity = Stream.concat(Stream.of(validity), buffers.stream()).toList();
    vector.loadFieldBuffers(new ArrowFieldNode(count, 0), withValidity);
  }

  private ArrowBuf offsets(int rows, int width) {
    ArrowBuf offsets = allocator.buffer((rows + 1L) * Integer.BYTES);
    for (int row = 0; row <= rows; row++) {
      Platform.putInt(null, offsets.memoryAddress() + (long) row * Integer.BYTES, row * width);
    }
    return offsets;
  }

  /** Returns the numbers, once for each row. */
  private ArrowBuf repeated(int[] numbers, int rows) {
    long count = (long) rows * numbers.length;
    ArrowBuf repeated = allocator.buffer(count * Integer.BYTES);
    for (long i = 0; i < count; i++) {
      int number = numbers[(int) (i % numbers.length)];
      Platform.putInt(null, repeated.memoryAddress() + i * Integer.BYTES, number);
    }
    return repeated;
  }

  /** A list whose elements have the name that Spark gives them, and are not nullable. */
  private static final class ElementList extends ListVector {
    ElementList(String name, BufferAllocator allocator, FieldType element) {
      super(name, allocator, notNull(MinorType.LIST), null);
      defaultDataVectorName = "element";
      addOrGetVector(element);
    }
  }

  private static final class ShapedStruct extends StructVector {
    final FieldVector data;
    final ElementList shape;

    ShapedStruct(String name, BufferAllocator allocator, FieldVector data) {
      super(name, allocator, notNull(MinorType.STRUCT), null);
      this.data = data;
      this.shape = new ElementList("shape", allocator, notNull(MinorType.INT));
      putChild(data.getName(), data);
      putChild(shape.getName(), shape);
    }
  }
}
