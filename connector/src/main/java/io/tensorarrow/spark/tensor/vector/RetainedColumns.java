package io.tensorarrow.spark.tensor.vector;

import io.tensorarrow.spark.tensor.fetch.TensorColumns;
import java.util.List;
import java.util.Optional;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.ipc.message.ArrowFieldNode;
import org.apache.spark.sql.vectorized.ColumnVector;

/**
 * Columns that outlive the batch that they came with, over the same memory.
 *
 * <p>Static and usable by any thread.
 */
public final class RetainedColumns {
  private RetainedColumns() {}

  /**
   * Returns another column over the memory of one.
   *
   * @param column any; stays the caller's. What {@link TensorColumns#wrap} returned and {@link
   *     StableArrowVector} can be shared
   * @param allocator counts the memory once {@code column} is closed, and gives validity bits
   * @return a column that has its own share in the memory, owned by the caller; empty if the
   *     column's memory can't be shared
   */
  public static Optional<ColumnVector> retain(ColumnVector column, BufferAllocator allocator) {
    if (column instanceof TensorVector tensor) {
      return Optional.of(tensor.retained(allocator));
    }
    if (column instanceof StableArrowVector arrow) {
      return Optional.of(
          new StableArrowVector(retain((FieldVector) arrow.getValueVector(), allocator)));
    }
    return Optional.empty();
  }

  /**
   * Returns another vector over the memory of one.
   *
   * @param vector stays the caller's; not to be written to later
   * @param allocator counts the memory once {@code vector} is closed, and gives validity bits
   * @return a vector that has its own share in the memory, owned by the caller
   */
  public static FieldVector retain(FieldVector vector, BufferAllocator allocator) {
    FieldVector retained = vector.getField().createVector(allocator);
    try {
      load(vector, retained);
      return retained;
    } catch (Throwable e) {
      retained.close();
      throw e;
    }
  }

  private static void load(FieldVector from, FieldVector into) {
    into.loadFieldBuffers(
        new ArrowFieldNode(from.getValueCount(), Validity.nullCount(from)), from.getFieldBuffers());
    List<FieldVector> parts = from.getChildrenFromFields();
    for (int i = 0; i < parts.size(); i++) {
      load(parts.get(i), into.getChildrenFromFields().get(i));
    }
  }
}
