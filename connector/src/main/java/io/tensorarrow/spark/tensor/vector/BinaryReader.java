package io.tensorarrow.spark.tensor.vector;

import org.apache.arrow.vector.BaseVariableWidthVector;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.vectorized.ArrowColumnVector;
import org.apache.spark.sql.vectorized.ColumnVector;
import org.apache.spark.unsafe.Platform;
import org.jspecify.annotations.Nullable;

/** Shows binaries as arrays of bytes. */
final class BinaryReader {
  private BinaryReader() {}

  static ArrayReader over(ColumnVector binaries) {
    return binaries instanceof ArrowColumnVector arrow
            && arrow.getValueVector() instanceof BaseVariableWidthVector vector
        ? new InArrowVector(vector)
        : new InOtherVector(binaries);
  }

  private static final class InArrowVector extends ArrayReader.SharedElements {
    private final BaseVariableWidthVector binaries;

    InArrowVector(BaseVariableWidthVector binaries) {
      super(new Bytes(null, binaries.getDataBufferAddress()));
      this.binaries = binaries;
    }

    @Override
    public int offset() {
      return binaries.getStartOffset(index);
    }

    @Override
    public int length() {
      return binaries.getValueLength(index);
    }
  }

  private static final class InOtherVector extends ArrayReader.SeparateElements {
    private final ColumnVector binaries;

    InOtherVector(ColumnVector binaries) {
      this.binaries = binaries;
    }

    @Override
    public void seek(int index) {
      byte[] bytes = binaries.getBinary(index);
      show(Bytes.of(bytes), bytes.length);
    }

    @Override
    public boolean elementsMayBeNull() {
      return false;
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
