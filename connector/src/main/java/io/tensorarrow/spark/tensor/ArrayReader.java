package io.tensorarrow.spark.tensor;

import org.apache.arrow.vector.complex.ListVector;
import org.apache.spark.sql.execution.vectorized.WritableColumnVector;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.BinaryType;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.vectorized.ArrowColumnVector;
import org.apache.spark.sql.vectorized.ColumnVector;
import org.apache.spark.sql.vectorized.ColumnarArray;
import org.jspecify.annotations.Nullable;

/**
 * Shows where the arrays of a vector lie among their elements, so that arrays that follow one
 * another can be copied in one go. A cursor: {@link #seek} chooses the array that the other methods
 * speak of.
 */
abstract class ArrayReader {
  private @Nullable ArrayReader nested;

  /**
   * Makes a reader of a vector of arrays, of binaries, which are read as arrays of bytes, or of
   * Spark ML's vectors, which are read as arrays of doubles.
   */
  static ArrayReader over(ColumnVector arrays) {
    if (arrays.dataType() instanceof StructType) {
      return new VectorReader(arrays);
    }
    if (arrays instanceof WritableColumnVector writable && !writable.hasDictionary()) {
      return new InWritableVector(writable);
    }
    if (arrays instanceof ArrowColumnVector arrow
        && arrow.getValueVector() instanceof ListVector list) {
      return new InArrowVector(list);
    }
    if (arrays.dataType() instanceof BinaryType) {
      return BinaryReader.over(arrays);
    }
    return new InOtherVector(arrays);
  }

  /** Goes to an array that is not null. */
  abstract void seek(int index);

  /**
   * Returns the vector that holds this array's elements, the same object as long as arrays share
   * it.
   */
  abstract ColumnVector elements();

  /** Returns whether any element may be null: if not, nobody needs to look. */
  abstract boolean elementsMayBeNull();

  /** Returns the index of this array's first element. */
  abstract int offset();

  /** Returns how many elements this array has. */
  abstract int length();

  /** Returns a reader of this array's elements, which are arrays themselves. */
  ArrayReader nested() {
    ArrayReader reader = nested;
    if (reader == null) {
      reader = over(elements());
      nested = reader;
    }
    return reader;
  }

  private static final class InWritableVector extends ArrayReader {
    private final WritableColumnVector arrays;
    private final ColumnVector elements;
    private final boolean elementsMayBeNull;
    private int index;

    InWritableVector(WritableColumnVector arrays) {
      this.arrays = arrays;
      this.elements = arrays.arrayData();
      this.elementsMayBeNull = elements.hasNull();
    }

    @Override
    void seek(int index) {
      this.index = index;
    }

    @Override
    ColumnVector elements() {
      return elements;
    }

    @Override
    boolean elementsMayBeNull() {
      return elementsMayBeNull;
    }

    @Override
    int offset() {
      return arrays.getArrayOffset(index);
    }

    @Override
    int length() {
      return arrays.getArrayLength(index);
    }
  }

  private static final class InArrowVector extends ArrayReader {
    private final ListVector arrays;
    private final ColumnVector elements;
    private final boolean elementsMayBeNull;
    private int index;

    InArrowVector(ListVector arrays) {
      this.arrays = arrays;
      this.elements = new ArrowColumnVector(arrays.getDataVector());
      this.elementsMayBeNull = elements.hasNull();
    }

    @Override
    void seek(int index) {
      this.index = index;
    }

    @Override
    ColumnVector elements() {
      return elements;
    }

    @Override
    boolean elementsMayBeNull() {
      return elementsMayBeNull;
    }

    @Override
    int offset() {
      return arrays.getElementStartIndex(index);
    }

    @Override
    int length() {
      return arrays.getElementEndIndex(index) - arrays.getElementStartIndex(index);
    }
  }

  /** Any other vector: each array is a vector of its own. */
  private static final class InOtherVector extends ArrayReader {
    private final ColumnVector arrays;
    private final ArrayType type;
    private @Nullable ArrayElements elements;
    private int length;

    InOtherVector(ColumnVector arrays) {
      this.arrays = arrays;
      this.type = (ArrayType) arrays.dataType();
    }

    @Override
    void seek(int index) {
      ColumnarArray array = arrays.getArray(index);
      elements = new ArrayElements(type.elementType(), array);
      length = array.numElements();
    }

    @Override
    ColumnVector elements() {
      if (elements == null) {
        throw new IllegalStateException("no array chosen");
      }
      return elements;
    }

    @Override
    boolean elementsMayBeNull() {
      return true;
    }

    @Override
    int offset() {
      return 0;
    }

    @Override
    int length() {
      return length;
    }

    @Override
    ArrayReader nested() {
      return over(elements());
    }
  }
}
