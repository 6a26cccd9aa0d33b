package io.tensorarrow.spark.tensor.feed;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.tensor.DType;
import io.tensorarrow.spark.tensor.Dims;
import io.tensorarrow.spark.tensor.NativeTensor;
import io.tensorarrow.spark.tensor.SparsePart;
import io.tensorarrow.spark.tensor.TensorShape;
import io.tensorarrow.spark.tensor.vector.RowSelection;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.spark.sql.vectorized.ColumnVector;
import org.apache.spark.unsafe.Platform;

/**
 * One call of {@link SparseFeeder#feed}: first the places of all elements are gathered, and the
 * runs in which they are in vectors, then the tensors are allocated and filled.
 */
final class SparseFeed {
  private static final int MAX_ARRAY = Integer.MAX_VALUE - 8;

  private final FeedPlan plan;
  private final FeedErrors errors;
  private final ColumnVector column;
  private final RowSelection rows;
  private final long[] declaredDims;

  /** The least size that each inner dimension must have. */
  private final long[] extents;

  /** The place of the current element, beginning with its row in the selection. */
  private final long[] place;

  private long[] indices = new long[1024];
  private int count;
  private final List<Run> runs = new ArrayList<>();

  SparseFeed(FeedPlan plan, ColumnVector column, RowSelection rows) {
    this.plan = plan;
    this.errors = plan.errors();
    this.column = column;
    this.rows = rows;
    this.declaredDims = plan.rowDims();
    this.extents = new long[declaredDims.length];
    this.place = new long[declaredDims.length + 1];
  }

  /** Elements that follow one another in a vector. */
  private static final class Run {
    private final ColumnVector elements;
    private final int start;
    private int length = 1;

    Run(ColumnVector elements, int start) {
      this.elements = elements;
      this.start = start;
    }

    boolean extendsTo(ColumnVector vector, int index) {
      return vector == elements && index == start + length;
    }
  }

  /** Returns a tensor for each {@link SparsePart}, owned by the caller. */
  List<NativeTensor> run() {
    gather();
    long[] denseShape = denseShape();
    List<NativeTensor> parts = new ArrayList<>();
    try {
      for (SparsePart part : SparsePart.values()) {
        parts.add(
            switch (part) {
              case DENSE_SHAPE -> longs(denseShape, place.length);
              case INDICES -> longs(indices, count, place.length);
              case VALUES -> values();
            });
      }
      return parts;
    } catch (Throwable e) {
      parts.forEach(NativeTensor::close);
      throw e;
    }
  }

  private void gather() {
    boolean mayBeNull = column.hasNull();
    for (int i = 0; i < rows.size(); i++) {
      place[0] = i;
      if (mayBeNull && column.isNullAt(rows.at(i))) {
        throw errors.nullCell(rows.at(i));
      }
      if (declaredDims.length == 0) {
        add(column, rows.at(i));
      }
    }
    if (declaredDims.length > 0 && rows.size() > 0) {
      StoredElements cells = StoredElements.over(column);
      for (int i = 0; i < rows.size(); i++) {
        place[0] = i;
        addCell(cells, rows.at(i), 0);
      }
    }
  }

  private void addCell(StoredElements cells, int index, int level) {
    cells.seek(index);
    cells
        .misfit(declaredDims[level])
        .ifPresent(
            misfit -> {
              throw errors.inRow(
                  ErrorCode.TA_INPUT_SHAPE, misfit.found(), currentRow(), misfit.expected());
            });
    extents[level] = Math.max(extents[level], cells.extent());
    boolean innermost = level == declaredDims.length - 1;
    for (int i = 0; i < cells.count(); i++) {
      if (!cells.isAbsent(i)) {
        place[level + 1] = cells.place(i);
        if (innermost) {
          add(cells.elements(), cells.index(i));
        } else {
          addCell(cells.nested(), cells.index(i), level + 1);
        }
      }
    }
  }

  private int currentRow() {
    return rows.at((int) place[0]);
  }

  private void add(ColumnVector elements, int index) {
    int used = count * place.length;
    if (used > MAX_ARRAY - place.length) {
      throw errors.inRow(
          ErrorCode.TA_INPUT_SHAPE,
          count + " elements up to one",
          currentRow(),
          "fewer: lower batchRows");
    }
    if (used + place.length > indices.length) {
      indices = Arrays.copyOf(indices, (int) Math.min(MAX_ARRAY, 2L * (used + place.length)));
    }
    System.arraycopy(place, 0, indices, used, place.length);
    count++;
    Run last = runs.isEmpty() ? null : runs.get(runs.size() - 1);
    if (last != null && last.extendsTo(elements, index)) {
      last.length++;
    } else {
      runs.add(new Run(elements, index));
    }
  }

  /** Kernels multiply the dimensions. */
  private long[] denseShape() {
    long[] dims = declaredDims.clone();
    for (int i = 0; i < dims.length; i++) {
      dims[i] = dims[i] == TensorShape.UNKNOWN_DIM ? extents[i] : dims[i];
    }
    long[] shape = Dims.withBatch(rows.size(), dims);
    if (Dims.knownProduct(shape) == Long.MAX_VALUE) {
      throw errors.ofCall(
          ErrorCode.TA_INPUT_SHAPE,
          "a dense shape with more elements than a number of 64 bits can count",
          "smaller keys, or a smaller shape in the model's signature");
    }
    return shape;
  }

  private static NativeTensor longs(long[] values, long... dims) {
    NativeTensor tensor = NativeTensor.allocate(DType.INT64, dims);
    Platform.copyMemory(
        values, Platform.LONG_ARRAY_OFFSET, null, tensor.address(), tensor.byteSize());
    return tensor;
  }

  private NativeTensor values() {
    NativeTensor values = NativeTensor.allocate(plan.spec().dtype(), count);
    try {
      copyTo(values);
      return values;
    } catch (Throwable e) {
      values.close();
      throw e;
    }
  }

  private void copyTo(NativeTensor values) {
    ElementCopier copier = ElementCopier.of(plan.source(), values);
    int copied = 0;
    for (Run run : runs) {
      int nullPart = copier.nullPart(run.elements, run.start, run.length);
      if (nullPart != ElementCopier.NONE) {
        throw errors.nullPart(rowOf(copied + nullPart));
      }
      long target = values.address() + (long) copied * copier.targetSize();
      int unfit = copier.copy(run.elements, run.start, run.length, target);
      if (unfit != ElementCopier.NONE) {
        throw errors.overflow(rowOf(copied + unfit));
      }
      copied += run.length;
    }
  }

  private int rowOf(int element) {
    return rows.at((int) indices[element * place.length]);
  }
}
