package io.tensorarrow.spark.tensor.feed;

import io.tensorarrow.spark.tensor.DType;
import java.util.Objects;
import org.apache.arrow.vector.BaseFixedWidthVector;
import org.apache.spark.sql.vectorized.ArrowColumnVector;
import org.apache.spark.sql.vectorized.ColumnVector;
import org.apache.spark.unsafe.Platform;

/**
 * Elements whose bytes are the tensor's: no conversion. From Arrow memory in one go, else through a
 * heap array that the vector fills in bulk.
 */
final class SameBytesCopier extends ElementCopier {
  /** Below this, reading one by one is cheaper than the heap array. */
  private static final int SHORT_RUN = 8;

  private final ElementType type;
  private final int size;

  SameBytesCopier(ElementType type, DType to) {
    this.type = type;
    this.size = to.byteSize();
  }

  /** Returns whether every element of that type is one of the tensor's, bit by bit. */
  static boolean fits(ElementType from, DType to) {
    boolean isOwnType = ElementType.own(to).filter(own -> own == from).isPresent();
    return isOwnType && (to.layout() == DType.Layout.SPARK || to == DType.BOOL);
  }

  @Override
  int targetSize() {
    return size;
  }

  @Override
  int copyPiece(ColumnVector from, int start, int count, long address) {
    // Arrow's booleans are bits. A source that says one type and gives another must not be read
    // beyond its end: Spark's accessors refuse it.
    if (type != ElementType.BOOLEAN
        && from.dataType().equals(type.sparkType())
        && from instanceof ArrowColumnVector arrow
        && arrow.getValueVector() instanceof BaseFixedWidthVector vector) {
      Objects.checkFromIndexSize(start, count, vector.getValueCount());
      long source = vector.getDataBufferAddress() + (long) start * size;
      Platform.copyMemory(null, source, null, address, (long) count * size);
    } else if (count < SHORT_RUN) {
      copyOneByOne(from, start, count, address);
    } else {
      copyInBulk(from, start, count, address);
    }
    return NONE;
  }

  private void copyInBulk(ColumnVector from, int start, int count, long address) {
    switch (type) {
      case BOOLEAN ->
          put(from.getBooleans(start, count), Platform.BOOLEAN_ARRAY_OFFSET, count, address);
      case BYTE -> put(from.getBytes(start, count), Platform.BYTE_ARRAY_OFFSET, count, address);
      case SHORT -> put(from.getShorts(start, count), Platform.SHORT_ARRAY_OFFSET, count, address);
      case INT -> put(from.getInts(start, count), Platform.INT_ARRAY_OFFSET, count, address);
      case LONG -> put(from.getLongs(start, count), Platform.LONG_ARRAY_OFFSET, count, address);
      case FLOAT -> put(from.getFloats(start, count), Platform.FLOAT_ARRAY_OFFSET, count, address);
      case DOUBLE ->
          put(from.getDoubles(start, count), Platform.DOUBLE_ARRAY_OFFSET, count, address);
      case DECIMAL, COMPLEX_FLOAT, COMPLEX_DOUBLE, STRING, BINARY, BYTE_OF_BINARY ->
          throw otherBytes();
    }
  }

  private void put(Object array, long arrayOffset, int count, long address) {
    Platform.copyMemory(array, arrayOffset, null, address, (long) count * size);
  }

  private void copyOneByOne(ColumnVector from, int start, int count, long address) {
    for (int i = 0; i < count; i++) {
      long target = address + (long) i * size;
      int at = start + i;
      switch (type) {
        case BOOLEAN -> Platform.putByte(null, target, (byte) (from.getBoolean(at) ? 1 : 0));
        case BYTE -> Platform.putByte(null, target, from.getByte(at));
        case SHORT -> Platform.putShort(null, target, from.getShort(at));
        case INT -> Platform.putInt(null, target, from.getInt(at));
        case LONG -> Platform.putLong(null, target, from.getLong(at));
        case FLOAT -> Platform.putFloat(null, target, from.getFloat(at));
        case DOUBLE -> Platform.putDouble(null, target, from.getDouble(at));
        case DECIMAL, COMPLEX_FLOAT, COMPLEX_DOUBLE, STRING, BINARY, BYTE_OF_BINARY ->
            throw otherBytes();
      }
    }
  }

  private IllegalStateException otherBytes() {
    return new IllegalStateException("not the bytes of a tensor's element: " + type);
  }
}
