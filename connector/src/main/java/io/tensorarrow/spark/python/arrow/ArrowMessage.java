package io.tensorarrow.spark.python.arrow;

import io.tensorarrow.spark.tensor.vector.Validity;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.vector.FieldVector;

/**
 * A record batch as one encapsulated message of Arrow's IPC format, in which each buffer is aligned
 * to {@value #ALIGNMENT} bytes; Arrow's own writer aligns to 8.
 *
 * <p>Borrows the buffers of the vectors that it was made of.
 */
public final class ArrowMessage {
  /** The largest alignment that NumPy, TensorFlow or vector instructions ask for. */
  public static final int ALIGNMENT = 64;

  private static final byte[] ZEROS = new byte[ALIGNMENT];

  private final byte[] head;
  private final List<ArrowBuf> buffers;
  private final long bodyBytes;

  private ArrowMessage(byte[] head, List<ArrowBuf> buffers, long bodyBytes) {
    this.head = head;
    this.buffers = buffers;
    this.bodyBytes = bodyBytes;
  }

  /** Lays out a batch; its vectors have to stay as they are until the message is written. */
  public static ArrowMessage of(List<FieldVector> columns, int rows) {
    List<IpcMessages.ValueCounts> counts = new ArrayList<>();
    List<ArrowBuf> buffers = new ArrayList<>();
    columns.forEach(column -> append(column, counts, buffers));
    List<IpcMessages.BufferRange> ranges = new ArrayList<>();
    long end = 0;
    for (ArrowBuf buffer : buffers) {
      ranges.add(new IpcMessages.BufferRange(end, buffer.readableBytes()));
      end = IpcMessages.aligned(end + buffer.readableBytes(), ALIGNMENT);
    }
    return new ArrowMessage(IpcMessages.batch(rows, counts, ranges, end, ALIGNMENT), buffers, end);
  }

  private static void append(
      FieldVector vector, List<IpcMessages.ValueCounts> counts, List<ArrowBuf> buffers) {
    int nulls = Validity.nullCount(vector);
    counts.add(new IpcMessages.ValueCounts(vector.getValueCount(), nulls));
    buffers.addAll(buffers(vector, nulls));
    vector.getChildrenFromFields().forEach(child -> append(child, counts, buffers));
  }

  /**
   * Returns the buffers as the format orders them; validity bits are empty if nothing is null.
   *
   * @param nulls how many values of the vector are
   */
  private static List<ArrowBuf> buffers(FieldVector vector, int nulls) {
    List<ArrowBuf> buffers = new ArrayList<>(vector.getFieldBuffers());
    // Columns of nothing but nulls have no buffers.
    if (!buffers.isEmpty() && nulls == 0) {
      buffers.set(0, vector.getAllocator().getEmpty());
    }
    return buffers;
  }

  /** Returns how many bytes the columns have, with the gaps between them. */
  public long bodyBytes() {
    return bodyBytes;
  }

  /**
   * Returns how many bytes the message has, metadata included; its body begins on {@link
   * #ALIGNMENT} bytes.
   */
  public long bytes() {
    return head.length + bodyBytes;
  }

  /**
   * Where a message is written to: memory, or a stream.
   *
   * <p>Offsets are contiguous: the first one is that of {@link #writeTo}, and each call begins at
   * the offset at which the one before it ended. So a stream may ignore them.
   */
  public interface Target {
    /** Writes the first {@code length} bytes of an array. */
    public void write(long offset, byte[] bytes, int length) throws IOException;

    /** Copies the readable bytes of a buffer. */
    public void write(long offset, ArrowBuf buffer) throws IOException;
  }

  /**
   * Writes the message, with zeros in the gaps between buffers.
   *
   * @param offset where in the target it begins, a multiple of {@link #ALIGNMENT}
   */
  public void writeTo(Target target, long offset) throws IOException {
    target.write(offset, head, head.length);
    long end = offset + head.length;
    for (ArrowBuf buffer : buffers) {
      long bytes = buffer.readableBytes();
      if (bytes > 0) {
        target.write(end, buffer);
        int gap = (int) (IpcMessages.aligned(bytes, ALIGNMENT) - bytes);
        target.write(end + bytes, ZEROS, gap);
        end += bytes + gap;
      }
    }
  }
}
