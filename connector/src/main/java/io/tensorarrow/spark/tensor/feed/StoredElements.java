package io.tensorarrow.spark.tensor.feed;

import io.tensorarrow.spark.tensor.TensorShape;
import io.tensorarrow.spark.tensor.vector.ArrayReader;
import java.util.Optional;
import org.apache.spark.sql.types.MapType;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.vectorized.ColumnVector;
import org.jspecify.annotations.Nullable;

/**
 * Shows which elements the cells of a vector hold along one dimension of a sparse tensor, and at
 * which places. A cursor: {@link #seek} chooses the cell that the other methods speak of.
 */
abstract class StoredElements {
  private @Nullable ColumnVector nestedIn;
  private @Nullable StoredElements nested;

  /** Makes a reader of a vector of arrays, binaries, Spark ML's vectors, or maps. */
  static StoredElements over(ColumnVector cells) {
    if (cells.dataType() instanceof MapType map) {
      return new StoredInMaps(cells, map);
    }
    return cells.dataType() instanceof StructType
        ? new StoredInVectors(cells)
        : new InArrays(ArrayReader.over(cells));
  }

  /**
   * What is wrong with a cell.
   *
   * @param found for messages
   * @param expected for messages
   */
  record Misfit(String found, String expected) {}

  /** Goes to a cell that is not null. */
  abstract void seek(int index);

  /**
   * Checks this cell.
   *
   * @param dim the size of the dimension, or -1 if any will do
   * @return what is wrong; if nothing is, places are in ascending order and below the dimension
   */
  abstract Optional<Misfit> misfit(long dim);

  /** Returns which size the dimension must have at least to hold this cell, if it fits. */
  abstract long extent();

  /** Returns how many elements to look at. */
  abstract int count();

  /** Returns the place of the {@code i}-th element. */
  abstract long place(int i);

  /** Returns the vector that holds this cell's elements. */
  abstract ColumnVector elements();

  /** Returns the index of the {@code i}-th element in {@link #elements}. */
  abstract int index(int i);

  /** Returns whether the {@code i}-th element is to be left out. */
  abstract boolean isAbsent(int i);

  /** Returns a reader of this cell's elements, which are cells themselves. */
  final StoredElements nested() {
    ColumnVector elements = elements();
    StoredElements reader = nested;
    if (reader == null || nestedIn != elements) {
      reader = over(elements);
      nested = reader;
      nestedIn = elements;
    }
    return reader;
  }

  /** All elements of an array but nulls, each at its place. */
  private static final class InArrays extends StoredElements {
    private final ArrayReader arrays;

    InArrays(ArrayReader arrays) {
      this.arrays = arrays;
    }

    @Override
    void seek(int index) {
      arrays.seek(index);
    }

    @Override
    Optional<Misfit> misfit(long dim) {
      return dim == TensorShape.UNKNOWN_DIM || arrays.length() <= dim
          ? Optional.empty()
          : Optional.of(
              new Misfit("an array of length " + arrays.length(), "length " + dim + " or less"));
    }

    @Override
    long extent() {
      return arrays.length();
    }

    @Override
    int count() {
      return arrays.length();
    }

    @Override
    long place(int i) {
      return i;
    }

    @Override
    ColumnVector elements() {
      return arrays.elements();
    }

    @Override
    int index(int i) {
      return arrays.offset() + i;
    }

    @Override
    boolean isAbsent(int i) {
      return arrays.elementsMayBeNull() && arrays.elements().isNullAt(index(i));
    }
  }
}
