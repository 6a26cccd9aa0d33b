package io.tensorarrow.spark.tensor.feed;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.tensor.Dims;
import io.tensorarrow.spark.tensor.NativeTensor;
import io.tensorarrow.spark.tensor.TensorShape;
import io.tensorarrow.spark.tensor.vector.ArrayReader;
import io.tensorarrow.spark.tensor.vector.RowSelection;
import org.apache.spark.sql.vectorized.ColumnVector;
import org.jspecify.annotations.Nullable;

/**
 * One call of {@link ColumnFeeder#feed}. Elements that follow one another in the same vector are
 * gathered into a run, across rows and nested arrays, and copied in one go: a batch read from
 * Parquet or Arrow usually is a single run.
 */
final class DenseFeed {
  private final FeedPlan plan;
  private final FeedErrors errors;
  private final ColumnVector column;
  private final RowSelection rows;
  private final long[] declaredDims;
  private final boolean cellsMayBeNull;

  /** The length of the arrays on each level; known after the first row. */
  private final long[] lengths;

  private long width;
  private long target;
  private long copied;
  private @Nullable ElementCopier copier;

  private @Nullable ColumnVector run;
  private boolean runMayHoldNull;
  private int runStart;
  private int runLength;

  DenseFeed(FeedPlan plan, ColumnVector column, RowSelection rows) {
    this.plan = plan;
    this.errors = plan.errors();
    this.column = column;
    this.rows = rows;
    this.declaredDims = plan.rowDims();
    this.cellsMayBeNull = column.hasNull();
    this.lengths = new long[plan.depth()];
  }

  /** Returns the tensor, owned by the caller. */
  NativeTensor run() {
    long[] rowDims = rowDims();
    width = Dims.knownProduct(rowDims);
    NativeTensor tensor =
        NativeTensor.allocate(plan.spec().dtype(), Dims.withBatch(rows.size(), rowDims));
    try {
      target = tensor.address();
      copier = ElementCopier.of(plan.source(), tensor);
      if (plan.depth() == 0) {
        appendScalars();
      } else {
        appendArrays();
      }
      flush();
      return tensor;
    } catch (Throwable e) {
      tensor.close();
      throw e;
    }
  }

  /** Settles the unknown dimensions, by the first row, and the length of each level. */
  private long[] rowDims() {
    if (plan.depth() == 0) {
      return declaredDims;
    }
    long[] firstLengths = rows.size() == 0 ? new long[plan.depth()] : lengthsOfFirstRow();
    long[] dims = declaredDims.clone();
    if (plan.isFlat()) {
      long known = Dims.knownProduct(declaredDims);
      dims = Dims.withUnknown(declaredDims, known == 0 ? 0 : firstLengths[0] / known);
      lengths[0] = Dims.knownProduct(dims);
      if (Dims.unknowns(declaredDims) > 0 && rows.size() > 0 && firstLengths[0] != lengths[0]) {
        throw wrongLength(rows.at(0), 0, firstLengths[0], "a multiple of " + known);
      }
      return dims;
    }
    for (int level = 0; level < dims.length; level++) {
      dims[level] = dims[level] == TensorShape.UNKNOWN_DIM ? firstLengths[level] : dims[level];
      lengths[level] = dims[level];
    }
    return dims;
  }

  /** Follows the first array of each level; below an empty one lengths are 0. */
  private long[] lengthsOfFirstRow() {
    long[] firstLengths = new long[plan.depth()];
    int row = rows.at(0);
    int index = row;
    checkCell(row);
    ArrayReader reader = ArrayReader.over(column);
    for (int level = 0; level < firstLengths.length; level++) {
      reader.seek(index);
      firstLengths[level] = reader.length();
      if (firstLengths[level] == 0 || level == firstLengths.length - 1) {
        break;
      }
      index = reader.offset();
      checkArray(reader, index, row);
      reader = reader.nested();
    }
    return firstLengths;
  }

  private void appendScalars() {
    if (rows.size() > 0 && rows.isRange()) {
      append(column, cellsMayBeNull, rows.at(0), rows.size());
    } else {
      for (int i = 0; i < rows.size(); i++) {
        append(column, cellsMayBeNull, rows.at(i), 1);
      }
    }
  }

  private void appendArrays() {
    ArrayReader reader = ArrayReader.over(column);
    for (int i = 0; i < rows.size(); i++) {
      int row = rows.at(i);
      checkCell(row);
      appendArray(reader, row, 0, row);
    }
  }

  private void appendArray(ArrayReader reader, int index, int level, int row) {
    reader.seek(index);
    int length = reader.length();
    if (length != lengths[level]) {
      throw wrongLength(row, level, length, expectedLength(level));
    }
    int offset = reader.offset();
    if (level == lengths.length - 1) {
      append(reader.elements(), reader.elementsMayBeNull(), offset, length);
    } else if (length > 0) {
      ArrayReader nested = reader.nested();
      for (int i = offset; i < offset + length; i++) {
        checkArray(reader, i, row);
        appendArray(nested, i, level + 1, row);
      }
    }
  }

  /** Adds elements to the run, or begins a new one where they do not follow it. */
  private void append(ColumnVector elements, boolean mayHoldNull, int start, int count) {
    if (elements != run || start != runStart + runLength) {
      flush();
      run = elements;
      runMayHoldNull = mayHoldNull;
      runStart = start;
      runLength = 0;
    }
    runLength += count;
  }

  /** Copies the run. */
  private void flush() {
    if (run == null || copier == null || runLength == 0) {
      return;
    }
    if (runMayHoldNull) {
      for (int i = 0; i < runLength; i++) {
        if (run.isNullAt(runStart + i)) {
          throw plan.depth() == 0
              ? errors.nullCell(rowOfElement(i))
              : errors.nullElement(rowOfElement(i));
        }
      }
    }
    int nullPart = copier.nullPart(run, runStart, runLength);
    if (nullPart != ElementCopier.NONE) {
      throw errors.nullPart(rowOfElement(nullPart));
    }
    int unfit = copier.copy(run, runStart, runLength, target);
    if (unfit != ElementCopier.NONE) {
      throw errors.overflow(rowOfElement(unfit));
    }
    copied += runLength;
    target += (long) runLength * copier.targetSize();
    runLength = 0;
    run = null;
  }

  private int rowOfElement(int indexInRun) {
    return rows.at((int) ((copied + indexInRun) / width));
  }

  private void checkCell(int row) {
    if (cellsMayBeNull && column.isNullAt(row)) {
      throw errors.nullCell(row);
    }
  }

  private void checkArray(ArrayReader parent, int index, int row) {
    if (parent.elementsMayBeNull() && parent.elements().isNullAt(index)) {
      throw errors.nullElement(row);
    }
  }

  private String expectedLength(int level) {
    boolean bySignature =
        plan.isFlat()
            ? Dims.unknowns(declaredDims) == 0
            : declaredDims[level] != TensorShape.UNKNOWN_DIM;
    return bySignature
        ? String.valueOf(lengths[level])
        : lengths[level] + " as in the first row of the model call";
  }

  private TensorArrowException wrongLength(
      int row, int level, long actualLength, String expectedLength) {
    String where = lengths.length == 1 ? "" : " on nesting level " + (level + 1);
    return errors.inRow(
        ErrorCode.TA_INPUT_SHAPE,
        "an array of length " + actualLength + where,
        row,
        "length " + expectedLength);
  }
}
