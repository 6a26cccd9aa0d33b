package io.tensorarrow.spark.tensor.vector;

import java.nio.ByteBuffer;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.util.MemoryUtil;
import org.apache.arrow.vector.BaseFixedWidthVector;
import org.apache.arrow.vector.BaseVariableWidthVector;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.complex.ListVector;
import org.apache.arrow.vector.complex.StructVector;
import org.apache.spark.unsafe.Platform;

/**
 * Validity bits: those of tensors, which have no nulls, and how many nulls any bits tell.
 *
 * <p>Bits that are all set are the same for everyone, so they are written once, outside of Arrow's
 * allocators, and shared. Arrow's vectors would each write their own, twice, and count them byte by
 * byte whenever they are asked, which takes longer than to copy the tensor.
 *
 * <p>Static and usable by any thread.
 */
public final class Validity {
  /** More values have bits of their own: the shared ones stay for as long as the process. */
  static final int MAX_SHARED = 1 << 26;

  private static final int MIN_BYTES = 1 << 13;

  private static volatile ByteBuffer allSet = ByteBuffer.allocateDirect(0);

  private Validity() {}

  /**
   * Returns bits that are all set, for a vector to be loaded with and nobody to write to.
   *
   * @param count how many values are valid
   * @param allocator what the buffer says that it belongs to; nothing is counted
   * @return a buffer that needs no closing; empty, which has Arrow make bits, for very many values
   */
  public static ArrowBuf allSet(int count, BufferAllocator allocator) {
    if (count > MAX_SHARED) {
      return allocator.getEmpty();
    }
    int bytes = (count + Long.SIZE - 1) / Long.SIZE * Long.BYTES;
    ByteBuffer bits = allSet;
    if (bits.capacity() < bytes) {
      bits = grown(bytes);
    }
    return new SharedBits(bits, allocator).buffer(bytes, MemoryUtil.getByteBufferAddress(bits));
  }

  private static synchronized ByteBuffer grown(int bytes) {
    if (allSet.capacity() >= bytes) {
      return allSet;
    }
    int capacity = Math.max(MIN_BYTES, Integer.highestOneBit(bytes - 1) << 1);
    ByteBuffer bits = ByteBuffer.allocateDirect(capacity);
    Platform.setMemory(MemoryUtil.getByteBufferAddress(bits), (byte) -1, capacity);
    allSet = bits;
    return bits;
  }

  /** Returns how many values of a vector are null: what its {@code getNullCount} returns. */
  public static int nullCount(FieldVector vector) {
    int count = vector.getValueCount();
    if (count == 0 || !hasBits(vector)) {
      return vector.getNullCount();
    }
    ArrowBuf bits = vector.getValidityBuffer();
    if (bits.getReferenceManager() instanceof SharedBits) {
      return 0;
    }
    bits.checkBytes(0, (count + Byte.SIZE - 1L) / Byte.SIZE);
    long address = bits.memoryAddress();
    int words = count / Long.SIZE;
    int valid = 0;
    for (int i = 0; i < words; i++) {
      valid += Long.bitCount(Platform.getLong(null, address + (long) i * Long.BYTES));
    }
    for (int i = words * Long.SIZE; i < count; i++) {
      valid += Platform.getByte(null, address + i / Byte.SIZE) >> i % Byte.SIZE & 1;
    }
    return count - valid;
  }

  private static boolean hasBits(FieldVector vector) {
    return vector instanceof BaseFixedWidthVector
        || vector instanceof BaseVariableWidthVector
        || vector instanceof ListVector
        || vector instanceof StructVector;
  }
}
