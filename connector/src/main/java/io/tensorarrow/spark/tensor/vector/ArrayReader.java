package io.tensorarrow.spark.tensor.vector;

import org.apache.arrow.vector.complex.ListVector;
import org.apache.spark.sql.execution.vectorized.WritableColumnVector;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.BinaryType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.vectorized.ArrowColumnVector;
import org.apache.spark.sql.vectorized.ColumnVector;
import org.apache.spark.sql.vectorized.ColumnarArray;
import org.jspecify.annotations.Nullable;

/**
 * Shows where the arrays of a vector are among their elements, so that arrays that follow one
 * another can be copied in one go. A cursor: {@link #seek} chooses the array that the other methods
 * speak of.
 */
public abstract class ArrayReader {
  private @Nullable ArrayReader nested;

  /** For the readers of this package. */
  ArrayReader() {}

  /**
   * Makes a reader of a vector of arrays, of binaries, which are read as arrays of bytes, or of
   * Spark ML's vectors, which are read as arrays of doubles.
   */
  public static ArrayReader over(ColumnVector arrays) {
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
    if (arrays instanceof RowArrays rows) {
      return new InRowArrays(rows);
    }
    if (arrays.dataType() instanceof BinaryType) {
      return BinaryReader.over(arrays);
    }
    if (arrays.dataType() instanceof ArrayType type) {
      return new InOtherVector(arrays, type.elementType());
    }
    throw new IllegalStateException("no arrays: " + arrays.dataType().catalogString());
  }

  /** Goes to an array that is not null. */
  public abstract void seek(int index);

  /**
   * Returns the vector that holds this array's elements, the same object as long as arrays share
   * it.
   */
  public abstract ColumnVector elements();

  /** Returns whether all arrays' elements are in one vector, which is known before any seek. */
  public boolean sharesElements() {
    return true;
  }

  /** Returns whether any element may be null: if not, nobody needs to look. */
  public abstract boolean elementsMayBeNull();

  /** Returns the index of this array's first element. */
  public abstract int offset();

  /** Returns how many elements this array has. */
  public abstract int length();

  /**
   * Returns a reader of this array's elements, which are arrays themselves. Where all arrays share
   * their elements it is the same reader after each seek, which a caller may have moved.
   */
  public final ArrayReader nested() {
    if (!sharesElements()) {
      return over(elements());
    }
    ArrayReader reader = nested;
    if (reader == null) {
      reader = over(elements());
      nested = reader;
    }
    return reader;
  }

  /** Base of readers of arrays whose elements all are in one vector. */
  abstract static class SharedElements extends ArrayReader {
    private final ColumnVector elements;
    private final boolean elementsMayBeNull;

    /** The array that was chosen. */
    int index;

    SharedElements(ColumnVector elements) {
      this.elements = elements;
      this.elementsMayBeNull = elements.hasNull();
    }

    @Override
    public final void seek(int index) {
      this.index = index;
    }

    @Override
    public final ColumnVector elements() {
      return elements;
    }

    @Override
    public final boolean elementsMayBeNull() {
      return elementsMayBeNull;
    }
  }

  /** Base of readers that make a vector of each array. */
  abstract static class SeparateElements extends ArrayReader {
    private @Nullable ColumnVector elements;
    private int length;

    /** Takes the elements of the array that was chosen. */
    final void show(ColumnVector elements, int length) {
      this.elements = elements;
      this.length = length;
    }

    @Override
    public final ColumnVector elements() {
      if (elements == null) {
        throw new IllegalStateException("no array chosen");
      }
      return elements;
    }

    @Override
    public final boolean sharesElements() {
      return false;
    }

    @Override
    public final int offset() {
      return 0;
    }

    @Override
    public final int length() {
      return length;
    }
  }

  private static final class InWritableVector extends SharedElements {
    private final WritableColumnVector arrays;

    InWritableVector(WritableColumnVector arrays) {
      super(arrays.arrayData());
      this.arrays = arrays;
    }

    @Override
    public int offset() {
      return arrays.getArrayOffset(index);
    }

    @Override
    public int length() {
      return arrays.getArrayLength(index);
    }
  }

  private static final class InArrowVector extends SharedElements {
    private final ListVector arrays;

    InArrowVector(ListVector arrays) {
      super(new ArrowColumnVector(arrays.getDataVector()));
      this.arrays = arrays;
    }

    @Override
    public int offset() {
      return arrays.getElementStartIndex(index);
    }

    @Override
    public int length() {
      return arrays.getElementEndIndex(index) - arrays.getElementStartIndex(index);
    }
  }

  /** Arrays of equal length, one after another. */
  private static final class InRowArrays extends SharedElements {
    private final int width;

    InRowArrays(RowArrays arrays) {
      super(arrays.getChild(0));
      this.width = arrays.width();
    }

    @Override
    public int offset() {
      return index * width;
    }

    @Override
    public int length() {
      return width;
    }
  }

  private static final class InOtherVector extends SeparateElements {
    private final ColumnVector arrays;
    private final DataType elementType;

    InOtherVector(ColumnVector arrays, DataType elementType) {
      this.arrays = arrays;
      this.elementType = elementType;
    }

    @Override
    public void seek(int index) {
      ColumnarArray array = arrays.getArray(index);
      show(new ArrayElements(elementType, array), array.numElements());
    }

    @Override
    public boolean elementsMayBeNull() {
      return true;
    }
  }
}
