package io.tensorarrow.spark.tensor.feed;

import io.tensorarrow.spark.tensor.TensorShape;
import io.tensorarrow.spark.tensor.vector.ArrayReader;
import io.tensorarrow.spark.tensor.vector.VectorReader;
import java.util.Optional;
import org.apache.spark.sql.vectorized.ColumnVector;

/**
 * The elements of Spark ML's vectors other than zero. Which form a vector has, dense or sparse, is
 * Spark's choice, so it makes no difference.
 */
final class StoredInVectors extends StoredElements {
  private final ColumnVector types;
  private final ColumnVector sizes;
  private final ArrayReader indices;
  private final ArrayReader values;
  private boolean dense;
  private int size;

  StoredInVectors(ColumnVector vectors) {
    this.types = vectors.getChild(0);
    this.sizes = vectors.getChild(1);
    this.indices = ArrayReader.over(vectors.getChild(2));
    this.values = ArrayReader.over(vectors.getChild(3));
  }

  @Override
  void seek(int index) {
    dense = types.getByte(index) == VectorReader.DENSE;
    values.seek(index);
    if (dense) {
      size = values.length();
    } else {
      indices.seek(index);
      size = sizes.getInt(index);
    }
  }

  @Override
  Optional<Misfit> misfit(long dim) {
    if (dim != TensorShape.UNKNOWN_DIM && dim != size) {
      return Optional.of(new Misfit("a vector of size " + size, "size " + dim));
    }
    return indicesAscend()
        ? Optional.empty()
        : Optional.of(
            new Misfit(
                "a vector whose indices do not ascend from 0 to its size",
                "one that Spark ML has made"));
  }

  private boolean indicesAscend() {
    if (dense) {
      return true;
    }
    if (indices.length() != values.length()) {
      return false;
    }
    long previous = -1;
    for (int i = 0; i < count(); i++) {
      long place = place(i);
      if (place <= previous || place >= size) {
        return false;
      }
      previous = place;
    }
    return true;
  }

  @Override
  long extent() {
    return size;
  }

  @Override
  int count() {
    return values.length();
  }

  @Override
  long place(int i) {
    return dense ? i : indices.elements().getInt(indices.offset() + i);
  }

  @Override
  ColumnVector elements() {
    return values.elements();
  }

  @Override
  int index(int i) {
    return values.offset() + i;
  }

  @Override
  boolean isAbsent(int i) {
    return values.elements().getDouble(index(i)) == 0;
  }
}
