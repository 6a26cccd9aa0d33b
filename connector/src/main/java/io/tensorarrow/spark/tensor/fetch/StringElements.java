package io.tensorarrow.spark.tensor.fetch;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.tensor.DType;
import io.tensorarrow.spark.tensor.NativeTensor;
import java.util.List;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.spark.unsafe.Platform;

/**
 * Copies TensorFlow's strings into Arrow's offsets and data.
 *
 * <p>TensorFlow keeps 24 bytes for each (<a
 * href="https://github.com/tensorflow/tensorflow/blob/v2.18.0/third_party/xla/third_party/tsl/tsl/platform/ctstring_internal.h">ctstring_internal.h</a>).
 * The two lowest bits tell the kind, the bits above them the size:
 *
 * <table>
 *   <caption>The kinds of strings</caption>
 *   <tr><th>kind</th><th>size</th><th>the text</th></tr>
 *   <tr><td>small</td><td>1 byte</td><td>from byte 1, at most 22 bytes</td></tr>
 *   <tr><td>large</td><td>8 bytes</td><td>at the address in bytes 16 to 23</td></tr>
 *   <tr><td>offset</td><td>4 bytes</td><td>as far behind the string as bytes 4 to 7 say</td></tr>
 *   <tr><td>view</td><td>8 bytes</td><td>at the address in bytes 8 to 15</td></tr>
 * </table>
 */
public final class StringElements {
  private static final int SMALL = 0;
  private static final int LARGE = 1;
  private static final int OFFSET = 2;
  private static final int KIND = 3;
  private static final int SIZE_SHIFT = 2;

  private static final int STRING_BYTES = DType.STRING.byteSize();

  /** A small string is copied with all bytes of its struct, so up to this many may be too many. */
  private static final int SLACK = STRING_BYTES;

  private final NativeTensor tensor;
  private final OutputColumn column;
  private final int count;

  /**
   * @param tensor a tensor of strings, which stays the caller's
   * @param column where they go
   * @param count how many of its elements are wanted
   */
  StringElements(NativeTensor tensor, OutputColumn column, int count) {
    this.tensor = tensor;
    this.column = column;
    this.count = count;
  }

  /**
   * Copies the strings.
   *
   * @return offsets and data, owned by the caller
   * @throws io.tensorarrow.spark.errors.TensorArrowException {@code TA_UNSUPPORTED} if they are
   *     more bytes than Arrow's offsets can count, {@code TA_OUTPUT_STRING} if they are to be text
   *     and are not valid UTF-8
   */
  List<ArrowBuf> copy(BufferAllocator allocator) {
    ArrowBuf offsets = allocator.buffer((count + 1L) * Integer.BYTES);
    try {
      int bytes = writeOffsets(offsets.memoryAddress());
      ArrowBuf data = allocator.buffer((long) bytes + SLACK);
      try {
        writeData(data.memoryAddress());
        if (column.element() == OutputElement.TEXT) {
          checkText(offsets.memoryAddress(), data.memoryAddress(), bytes);
        }
        return List.of(offsets, data);
      } catch (Throwable e) {
        data.close();
        throw e;
      }
    } catch (Throwable e) {
      offsets.close();
      throw e;
    }
  }

  private int writeOffsets(long to) {
    long end = 0;
    Platform.putInt(null, to, 0);
    for (int i = 0; i < count; i++) {
      end += size(address(i));
      // Wraps where it does not fit, which is refused below before anyone reads it.
      Platform.putInt(null, to + (i + 1L) * Integer.BYTES, (int) end);
    }
    if (end > Integer.MAX_VALUE) {
      throw column
          .cannotFetch(ErrorCode.TA_UNSUPPORTED)
          .found("%s bytes of strings in one batch", end)
          .inRowsOfCall()
          .expected("at most %s: lower batchRows", Integer.MAX_VALUE);
    }
    return (int) end;
  }

  private void writeData(long to) {
    long end = to;
    for (int i = 0; i < count; i++) {
      long string = address(i);
      long size = size(string);
      if (kind(string) == SMALL) {
        // The text is bytes 1 to 22. The last of the three words begins with one of the second.
        Platform.putLong(null, end, Platform.getLong(null, string + 1));
        Platform.putLong(null, end + 8, Platform.getLong(null, string + 9));
        Platform.putLong(null, end + 15, Platform.getLong(null, string + 16));
      } else {
        Platform.copyMemory(null, text(string), null, end, size);
      }
      end += size;
    }
  }

  private void checkText(long offsets, long data, int bytes) {
    if (Utf8.isAscii(data, bytes)) {
      return;
    }
    for (int i = 0; i < count; i++) {
      int begin = Platform.getInt(null, offsets + (long) i * Integer.BYTES);
      int end = Platform.getInt(null, offsets + (i + 1L) * Integer.BYTES);
      if (!Utf8.isValid(data + begin, end - begin)) {
        throw column
            .cannotFetch(ErrorCode.TA_OUTPUT_STRING)
            .found("bytes that are not valid UTF-8")
            .inRow(rowOf(i))
            .expected("UTF-8: read them with option strings=binary");
      }
    }
  }

  private int rowOf(int element) {
    return (int) (element / (tensor.elementCount() / tensor.dims()[0]));
  }

  private long address(int element) {
    return tensor.address() + (long) element * STRING_BYTES;
  }

  private static int kind(long string) {
    return Platform.getByte(null, string) & KIND;
  }

  private static long size(long string) {
    return switch (kind(string)) {
      case SMALL -> Byte.toUnsignedInt(Platform.getByte(null, string)) >>> SIZE_SHIFT;
      case OFFSET -> Integer.toUnsignedLong(Platform.getInt(null, string)) >>> SIZE_SHIFT;
      default -> Platform.getLong(null, string) >>> SIZE_SHIFT;
    };
  }

  private static long text(long string) {
    return switch (kind(string)) {
      case SMALL -> string + 1;
      case LARGE -> Platform.getLong(null, string + 16);
      case OFFSET -> string + Integer.toUnsignedLong(Platform.getInt(null, string + 4));
      default -> Platform.getLong(null, string + 8);
    };
  }
}
