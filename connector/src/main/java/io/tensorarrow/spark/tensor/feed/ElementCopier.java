package io.tensorarrow.spark.tensor.feed;

import io.tensorarrow.spark.tensor.DType;
import io.tensorarrow.spark.tensor.NativeTensor;
import org.apache.spark.sql.vectorized.ColumnVector;

/**
 * Copies elements that follow one another in a vector into a tensor, converted to its dtype. Made
 * anew for each feed: it keeps scratch space.
 */
public abstract class ElementCopier {
  /** Answer of {@link #copy} and {@link #nullPart}: every element fitted, none was null. */
  static final int NONE = -1;

  /** How many elements pass through the heap at once: few enough to stay in the cache. */
  static final int PIECE = 4 * 1024;

  /**
   * Makes a copier for elements of a type that casts to the tensor's.
   *
   * @param tensor where they go; it stays the caller's
   */
  static ElementCopier of(ElementType from, NativeTensor tensor) {
    DType to = tensor.dtype();
    return switch (from) {
      case STRING, BINARY -> new StringCopier(tensor);
      case COMPLEX_FLOAT, COMPLEX_DOUBLE -> new ComplexCopier(to);
      case BYTE_OF_BINARY -> new SameBytesCopier(ElementType.BYTE);
      case BOOLEAN, BYTE, SHORT, INT, LONG, FLOAT, DOUBLE ->
          SameBytesCopier.fits(from, to) ? new SameBytesCopier(from) : new NumberCopier(from, to);
      case DECIMAL -> new NumberCopier(from, to);
    };
  }

  /**
   * Copies elements, none of which is null.
   *
   * @param from a vector of the element type that this copier was made for
   * @param start the vector's index of the first element
   * @param count how many elements
   * @param address where the first one goes
   * @return {@link #NONE}, or how many elements are before the first one that does not fit
   */
  final int copy(ColumnVector from, int start, int count, long address) {
    for (int done = 0; done < count; done += PIECE) {
      int piece = Math.min(PIECE, count - done);
      int unfit = copyPiece(from, start + done, piece, address + (long) done * targetSize());
      if (unfit != NONE) {
        return done + unfit;
      }
    }
    return NONE;
  }

  /**
   * Looks for nulls inside of elements that are not null themselves.
   *
   * @return {@link #NONE}, or how many elements are before the first one with a null inside
   */
  int nullPart(ColumnVector from, int start, int count) {
    return NONE;
  }

  /** Returns the bytes that one element takes in the tensor. */
  abstract int targetSize();

  /** Does what {@link #copy} says, with at most {@link #PIECE} elements. */
  abstract int copyPiece(ColumnVector from, int start, int count, long address);
}
