package io.tensorarrow.spark.tensor;

import static org.tensorflow.internal.c_api.global.tensorflow.TF_NewTensor;

import java.util.concurrent.atomic.AtomicLong;
import org.apache.spark.unsafe.Platform;
import org.bytedeco.javacpp.Pointer;
import org.jspecify.annotations.Nullable;
import org.tensorflow.internal.c_api.Deallocator_Pointer_long_Pointer;
import org.tensorflow.internal.c_api.TF_Tensor;

/**
 * The memory of string tensors that we make: one block of TensorFlow's 24-byte strings, and any
 * number of blocks with longer texts, which the strings point to.
 *
 * <p>The blocks are chained in native memory, each with a header below its data, so that
 * TensorFlow's call with the first one's address frees all of them, whenever the last tensor that
 * shares them is deleted, and no object of Java's has to live as long.
 */
final class StringMemory {
  private static final AtomicLong LIVE_BYTES = new AtomicLong();

  /** The alignment that TensorFlow requires of tensors; also a cache line. */
  private static final int ALIGNMENT = 64;

  /** Below the data: where the block begins, the data of the next block or 0, the data's size. */
  private static final int HEADER = 24;

  private static final int START = -24;
  private static final int NEXT = -16;
  private static final int SIZE = -8;

  /** One for all tensors: each new one would take one of JavaCPP's few slots for callbacks. */
  private static final Deallocator_Pointer_long_Pointer FREE = new FreeAll();

  private StringMemory() {}

  /** Returns how many bytes of this JVM's string tensors are not freed yet. */
  static long liveBytes() {
    return LIVE_BYTES.get();
  }

  /**
   * Makes a tensor of empty strings.
   *
   * @return the tensor, owned by the caller, or null if TensorFlow refuses it
   * @throws OutOfMemoryError if the memory can't be had
   */
  static @Nullable TF_Tensor tensor(long[] dims, long bytes) {
    long strings = newBlock(bytes);
    Platform.setMemory(strings, (byte) 0, bytes);
    TF_Tensor tensor =
        TF_NewTensor(
            DType.STRING.number(),
            dims,
            dims.length,
            new Address(strings),
            bytes,
            FREE,
            new Address(0));
    if (tensor == null || tensor.isNull()) {
      freeBlocks(strings);
    }
    return tensor;
  }

  /**
   * Adds a block to a tensor's memory.
   *
   * @param strings the address of a tensor that was made here
   * @return the address of the block, which is freed with the tensor
   * @throws OutOfMemoryError if the memory can't be had
   */
  static long addBlock(long strings, long bytes) {
    long block = newBlock(bytes);
    Platform.putLong(null, block + NEXT, Platform.getLong(null, strings + NEXT));
    Platform.putLong(null, strings + NEXT, block);
    return block;
  }

  private static long newBlock(long bytes) {
    if (bytes > Long.MAX_VALUE - HEADER - ALIGNMENT) {
      throw new OutOfMemoryError();
    }
    long start = Platform.allocateMemory(bytes + HEADER + ALIGNMENT);
    long data = (start + HEADER + ALIGNMENT - 1) & -ALIGNMENT;
    Platform.putLong(null, data + START, start);
    Platform.putLong(null, data + NEXT, 0);
    Platform.putLong(null, data + SIZE, bytes);
    LIVE_BYTES.addAndGet(bytes);
    return data;
  }

  private static void freeBlocks(long strings) {
    long data = strings;
    while (data != 0) {
      long next = Platform.getLong(null, data + NEXT);
      LIVE_BYTES.addAndGet(-Platform.getLong(null, data + SIZE));
      Platform.freeMemory(Platform.getLong(null, data + START));
      data = next;
    }
  }

  /** A JavaCPP pointer to a given address. */
  private static final class Address extends Pointer {
    Address(long address) {
      super((Pointer) null);
      this.address = address;
    }
  }

  private static final class FreeAll extends Deallocator_Pointer_long_Pointer {
    @Override
    public void call(Pointer data, long length, Pointer argument) {
      freeBlocks(data.address());
    }
  }
}
