package io.tensorarrow.spark.tensor.vector;

import org.apache.arrow.vector.BaseVariableWidthVector;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.vectorized.ArrowColumnVector;
import org.apache.spark.sql.vectorized.ColumnVector;
import org.apache.spark.unsafe.Platform;
import org.jspecify.annotations.Nullable;

/** Shows binaries as arrays of bytes. */
abstract class BinaryReader extends ArrayReader {
  public static ArrayReader over(ColumnVector binaries) {
    return binaries instanceof ArrowColumnVector arrow
            && arrow.getValueVector() instanceof BaseVariableWidthVector vector
        ? new InArrowVector(vector)
        : new InOtherVector(binaries);
  }

  @Override
  public final boolean elementsMayBeNull() {
    return false;
  }

  @Override
  public final ArrayReader nested() {
    throw new IllegalStateException("bytes are no arrays");
  }

  public static final class InArrowVector extends BinaryReader {
    private final BaseVariableWidthVector binaries;
    private final Bytes elements;
    private int offset;
    private int length;

    InArrowVector(BaseVariableWidthVector binaries) {
      this.binaries = binaries;
      this.elements = new Bytes(null, binaries.getDataBufferAddress());
    }

    @Override
    public void seek(int index) {
      offset = binaries.getStartOffset(index);
      length = binaries.getValueLength(index);
    }

    @Override
    public ColumnVector elements() {
      return elements;
    }

    @Override
    public int offset() {
      return offset;
    }

    @Override
    public int length() {
      return length;
    }
  }

  /** Any other vector: each binary is an array of its own. */
  public static final class InOtherVector extends BinaryReader {
    private final ColumnVector binaries;
    private Bytes elements = Bytes.of(new byte[0]);
    private int length;

    InOtherVector(ColumnVector binaries) {
      this.binaries = binaries;
    }

    @Override
    public void seek(int index) {
      byte[] bytes = binaries.getBinary(index);
      elements = Bytes.of(bytes);
      length = bytes.length;
    }

    @Override
    public ColumnVector elements() {
      return elements;
    }

    @Override
    public int offset() {
      return 0;
    }

    @Override
    public int length() {
      return length;
    }
  }

  /** Bytes in an array or in native memory, which belongs to someone else. */
  private static final class Bytes extends TensorVector {
    private final @Nullable Object base;
    private final long offset;

    Bytes(@Nullable Object base, long offset) {
      super(DataTypes.ByteType);
      this.base = base;
      this.offset = offset;
    }

    static Bytes of(byte[] bytes) {
      return new Bytes(bytes, Platform.BYTE_ARRAY_OFFSET);
    }

    @Override
    public byte getByte(int rowId) {
      return Platform.getByte(base, offset + rowId);
    }

    @Override
    public byte[] getBytes(int rowId, int count) {
      byte[] bytes = new byte[count];
      Platform.copyMemory(base, offset + rowId, bytes, Platform.BYTE_ARRAY_OFFSET, count);
      return bytes;
    }

    /** Does nothing: the memory is borrowed. */
    @Override
    public void close() {}
  }
}
