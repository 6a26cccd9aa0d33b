package io.tensorarrow.spark.python.worker;

import io.tensorarrow.spark.python.shm.SegmentLease;
import io.tensorarrow.spark.python.shm.SegmentPool;
import io.tensorarrow.spark.tensor.Dims;
import io.tensorarrow.spark.tensor.fetch.TensorColumns;
import io.tensorarrow.spark.tensor.fetch.TensorMetadata;
import java.util.Arrays;
import java.util.List;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.IntVector;
import org.apache.arrow.vector.complex.ListVector;
import org.apache.arrow.vector.complex.StructVector;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.vectorized.ColumnVector;

/**
 * A tensor in a segment of its own, for a worker to change it there.
 *
 * <p>Holds the segment until {@link #release}, or until a column over it is closed; one of the two
 * has to happen.
 *
 * @param lease the segment's lease
 * @param pool whose segment it is
 * @param field the tensor's column
 * @param dims the tensor's shape, rows first
 * @param bytes how many bytes its elements have
 */
record InPlaceTensor(
    SegmentLease lease, SegmentPool pool, StructField field, List<Long> dims, long bytes) {
  InPlaceTensor {
    dims = List.copyOf(dims);
  }

  /** Returns the elements of a tensor's column, wherever its form keeps them. */
  static ArrowBuf elements(FieldVector column) {
    if (column instanceof StructVector struct) {
      return elements(struct.getChildrenFromFields().get(0));
    }
    if (column instanceof ListVector list) {
      return elements(list.getDataVector());
    }
    // Behind validity bits, and behind offsets where a row's bytes are one value.
    return column.getFieldBuffers().get(column.getFieldBuffers().size() - 1);
  }

  /**
   * Returns the shape of a tensor, rows first.
   *
   * @param column of {@code rows} rows, at least one, with no more than these
   * @param field its field in Spark, with a tensor's metadata
   */
  static List<Long> dims(FieldVector column, int rows, StructField field) {
    TensorMetadata tensor = TensorMetadata.of(field).orElseThrow();
    long[] rowDims = tensor.rowDims().stream().mapToLong(Long::longValue).toArray();
    long[] dims = Dims.withBatch(rows, rowDims);
    if (column instanceof StructVector struct) {
      IntVector shape =
          (IntVector) ((ListVector) struct.getChildrenFromFields().get(1)).getDataVector();
      for (int i = 1; i < dims.length; i++) {
        dims[i] = shape.get(i - 1);
      }
      return boxed(dims);
    }
    long known = Arrays.stream(rowDims).filter(dim -> dim >= 0).reduce(rows, Math::multiplyExact);
    long count = elements(column).readableBytes() / tensor.dtype().byteSize();
    for (int i = 1; i < dims.length; i++) {
      dims[i] = dims[i] >= 0 ? dims[i] : count / known;
    }
    return boxed(dims);
  }

  private static List<Long> boxed(long[] dims) {
    return Arrays.stream(dims).boxed().toList();
  }

  /** Returns a column over the segment, which is released when the column is closed. */
  ColumnVector column(BufferAllocator allocator) {
    ArrowBuf elements;
    try {
      elements = lease.segment().buffer(bytes, allocator, this::release);
    } catch (Throwable e) {
      // There is no buffer that would release it.
      release();
      throw e;
    }
    long[] shape = dims.stream().mapToLong(Long::longValue).toArray();
    return TensorColumns.over(elements, field, shape, allocator);
  }

  /** Ends this process's hold on the segment: it does not read it any more. */
  void release() {
    pool.endHold(lease);
  }
}
