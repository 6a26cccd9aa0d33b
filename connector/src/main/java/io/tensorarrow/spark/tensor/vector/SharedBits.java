package io.tensorarrow.spark.tensor.vector;

import java.nio.ByteBuffer;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.OwnershipTransferResult;
import org.apache.arrow.memory.ReferenceManager;

/**
 * The reference manager of Arrow buffers over read-only bits that all columns share. The garbage
 * collector frees the bits when the last buffer is gone, so nothing is counted or released.
 */
final class SharedBits implements ReferenceManager {
  // Kept for as long as a buffer is.
  private final ByteBuffer bits;
  private final BufferAllocator allocator;

  SharedBits(ByteBuffer bits, BufferAllocator allocator) {
    this.bits = bits;
    this.allocator = allocator;
  }

  ArrowBuf buffer(long bytes, long address) {
    return new ArrowBuf(this, null, bytes, address);
  }

  @Override
  public int getRefCount() {
    return 1;
  }

  @Override
  public boolean release() {
    return false;
  }

  @Override
  public boolean release(int decrement) {
    return false;
  }

  @Override
  public void retain() {
    // Nothing is counted.
  }

  @Override
  public void retain(int increment) {
    // Nothing is counted.
  }

  /** Returns a buffer of its own: each has a place to read and to write at. */
  @Override
  public ArrowBuf retain(ArrowBuf buffer, BufferAllocator target) {
    ArrowBuf copy = new SharedBits(bits, target).buffer(buffer.capacity(), buffer.memoryAddress());
    return copy.readerIndex(buffer.readerIndex()).writerIndex(buffer.writerIndex());
  }

  @Override
  public ArrowBuf deriveBuffer(ArrowBuf buffer, long index, long length) {
    return buffer(length, buffer.memoryAddress() + index);
  }

  @Override
  public OwnershipTransferResult transferOwnership(ArrowBuf buffer, BufferAllocator target) {
    ArrowBuf transferred = retain(buffer, target);
    return new OwnershipTransferResult() {
      @Override
      public boolean getAllocationFit() {
        return true;
      }

      @Override
      public ArrowBuf getTransferredBuffer() {
        return transferred;
      }
    };
  }

  @Override
  public BufferAllocator getAllocator() {
    return allocator;
  }

  @Override
  public long getSize() {
    return bits.capacity();
  }

  @Override
  public long getAccountedSize() {
    return 0;
  }
}
