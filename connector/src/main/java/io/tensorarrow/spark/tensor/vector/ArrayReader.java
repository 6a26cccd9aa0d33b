package io.tensorarrow.spark.tensor.vector;

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
    return new InOtherVector(arrays);
  }

  /** Goes to an array that is not null. */
  public abstract void seek(int index);

  /**
   * Returns the vector that holds this array's elements, the same object as long as arrays share
   * it.
   */
  public abstract ColumnVector elements();

  /** Returns whether all arrays' elements lie in one vector, which is known before any seek. */
  public boolean sharesElements() {
    return true;
  }

  /** Returns whether any element may be null: if not, nobody needs to look. */
  public abstract boolean elementsMayBeNull();

  /** Returns the index of this array's first element. */
  public abstract int offset();

  /** Returns how many elements this array has. */
  public abstract int length();

  /** Returns a reader of this array's elements, which are arrays themselves. */
  public ArrayReader nested() {
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
    public void seek(int index) {
      this.index = index;
    }

    @Override
    public ColumnVector elements() {
      return elements;
    }

    @Override
    public boolean elementsMayBeNull() {
      return elementsMayBeNull;
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
    public void seek(int index) {
      this.index = index;
    }

    @Override
    public ColumnVector elements() {
      return elements;
    }

    @Override
    public boolean elementsMayBeNull() {
      return elementsMayBeNull;
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
  private static final class InRowArrays extends ArrayReader {
    private final RowArrays arrays;
    private int index;

    InRowArrays(RowArrays arrays) {
      this.arrays = arrays;
    }

    @Override
    public void seek(int index) {
      this.index = index;
    }

    @Override
    public ColumnVector elements() {
      return arrays.getChild(0);
    }

    @Override
    public boolean elementsMayBeNull() {
      return false;
    }

    @Override
    public int offset() {
      return index * arrays.width();
    }

    @Override
    public int length() {
      return arrays.width();
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
    public void seek(int index) {
      ColumnarArray array = arrays.getArray(index);
      elements = new ArrayElements(type.elementType(), array);
      length = array.numElements();
    }

    @Override
    public ColumnVector elements() {
      if (elements == null) {
        throw new IllegalStateException("no array chosen");
      }
      return elements;
    }

    @Override
    public boolean sharesElements() {
      return false;
    }

    @Override
    public boolean elementsMayBeNull() {
      return true;
    }

    @Override
    public int offset() {
      return 0;
    }

    @Override
    public int length() {
      return length;
    }

    @Override
    public ArrayReader nested() {
      return over(elements());
    }
  }
}
