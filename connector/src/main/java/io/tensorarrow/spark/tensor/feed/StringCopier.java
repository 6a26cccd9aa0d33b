package io.tensorarrow.spark.tensor.feed;

import io.tensorarrow.spark.tensor.DType;
import io.tensorarrow.spark.tensor.NativeTensor;
import io.tensorarrow.spark.tensor.fetch.StringElements;
import java.util.Objects;
import org.apache.arrow.vector.BaseVariableWidthVector;
import org.apache.spark.sql.execution.vectorized.WritableColumnVector;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.vectorized.ArrowColumnVector;
import org.apache.spark.sql.vectorized.ColumnVector;
import org.apache.spark.unsafe.Platform;
import org.apache.spark.unsafe.types.UTF8String;
import org.jspecify.annotations.Nullable;

/**
 * Copies strings and binaries, byte by byte as they are. Short ones go into TensorFlow's 24 bytes
 * for each string ({@link StringElements} tells the layout), longer ones into memory that these
 * point to, as large strings and not as views: where TensorFlow copies a single view, the copy
 * points to the same text, and what a model keeps from call to call would outlive it.
 *
 * <p>Each has a NUL behind it, which its size does not count: some of TensorFlow's kernels read on
 * to the next NUL. So nothing can point straight into the column's memory.
 */
final class StringCopier extends ElementCopier {
  private static final int STRING_BYTES = DType.STRING.byteSize();

  /** What fits into the 24 bytes beside the size and a NUL. */
  private static final int MAX_INLINE = STRING_BYTES - 2;

  private static final int SIZE_SHIFT = 2;
  private static final int KIND_LARGE = 1;
  private static final int LARGE_CAPACITY = 8;
  private static final int LARGE_TEXT = 16;

  private static final int MIN_BLOCK = 4 * 1024;
  private static final int MAX_BLOCK = 1024 * 1024;

  /** How many of the dictionary's entries are remembered; a power of 2. */
  private static final int REMEMBERED = 1024;

  private final NativeTensor tensor;

  /** Where the next long text goes, and where the block ends. */
  private long text;

  private long textEnd;
  private int nextBlock = MIN_BLOCK;

  StringCopier(NativeTensor tensor) {
    this.tensor = tensor;
  }

  @Override
  int targetSize() {
    return STRING_BYTES;
  }

  @Override
  int copyPiece(ColumnVector from, int start, int count, long address) {
    if (from instanceof ArrowColumnVector arrow
        && arrow.getValueVector() instanceof BaseVariableWidthVector vector) {
      copyFromArrow(vector, start, count, address);
    } else if (from instanceof WritableColumnVector writable && writable.hasDictionary()) {
      copyFromDictionary(writable, start, count, address);
    } else if (from instanceof WritableColumnVector
        || from.dataType().equals(DataTypes.StringType)) {
      // Spark's own vectors show their binaries as strings too, without a copy.
      for (int i = 0; i < count; i++) {
        put(from.getUTF8String(start + i), address + (long) i * STRING_BYTES);
      }
    } else {
      for (int i = 0; i < count; i++) {
        byte[] bytes = from.getBinary(start + i);
        long slot = address + (long) i * STRING_BYTES;
        put(bytes, Platform.BYTE_ARRAY_OFFSET, bytes.length, slot);
      }
    }
    return NONE;
  }

  private void copyFromArrow(BaseVariableWidthVector from, int start, int count, long address) {
    Objects.checkFromIndexSize(start, count, from.getValueCount());
    long offsets = from.getOffsetBufferAddress() + (long) start * Integer.BYTES;
    long data = from.getDataBufferAddress();
    int begin = Platform.getInt(null, offsets);
    for (int i = 0; i < count; i++) {
      int end = Platform.getInt(null, offsets + (i + 1L) * Integer.BYTES);
      put(null, data + begin, end - begin, address + (long) i * STRING_BYTES);
      begin = end;
    }
  }

  /** Decodes an entry of the dictionary once as long as it is remembered. */
  private void copyFromDictionary(WritableColumnVector from, int start, int count, long address) {
    WritableColumnVector ids = from.getDictionaryIds();
    int[] remembered = new int[REMEMBERED];
    long[] slots = new long[REMEMBERED];
    for (int i = 0; i < count; i++) {
      int id = ids.getDictId(start + i);
      int place = id & (REMEMBERED - 1);
      long slot = address + (long) i * STRING_BYTES;
      if (slots[place] != 0 && remembered[place] == id) {
        Platform.copyMemory(null, slots[place], null, slot, STRING_BYTES);
      } else {
        put(from.getUTF8String(start + i), slot);
        remembered[place] = id;
        slots[place] = slot;
      }
    }
  }

  private void put(UTF8String string, long slot) {
    put(string.getBaseObject(), string.getBaseOffset(), string.numBytes(), slot);
  }

  /** Fills a slot, all bytes of which are 0. */
  private void put(@Nullable Object base, long offset, int size, long slot) {
    if (size <= MAX_INLINE) {
      Platform.putByte(null, slot, (byte) (size << SIZE_SHIFT));
      copyShort(base, offset, size, slot + 1);
      return;
    }
    if (size >= textEnd - text) {
      addBlock(size + 1L);
    }
    Platform.putLong(null, slot, ((long) size << SIZE_SHIFT) | KIND_LARGE);
    Platform.putLong(null, slot + LARGE_CAPACITY, size);
    Platform.putLong(null, slot + LARGE_TEXT, text);
    Platform.copyMemory(base, offset, null, text, size);
    Platform.putByte(null, text + size, (byte) 0);
    text += size + 1L;
  }

  /** Copies at most 22 bytes; a call of the JVM's copying would take longer. */
  private static void copyShort(@Nullable Object base, long from, int size, long to) {
    if (size >= Long.BYTES) {
      long last = size - (long) Long.BYTES;
      Platform.putLong(null, to, Platform.getLong(base, from));
      if (last > Long.BYTES) {
        Platform.putLong(null, to + Long.BYTES, Platform.getLong(base, from + Long.BYTES));
      }
      Platform.putLong(null, to + last, Platform.getLong(base, from + last));
    } else if (size >= Integer.BYTES) {
      long last = size - (long) Integer.BYTES;
      Platform.putInt(null, to, Platform.getInt(base, from));
      Platform.putInt(null, to + last, Platform.getInt(base, from + last));
    } else {
      for (int i = 0; i < size; i++) {
        Platform.putByte(null, to + i, Platform.getByte(base, from + i));
      }
    }
  }

  private void addBlock(long minSize) {
    long size = Math.max(minSize, nextBlock);
    text = tensor.addTextMemory(size);
    textEnd = text + size;
    nextBlock = Math.min(2 * nextBlock, MAX_BLOCK);
  }
}
