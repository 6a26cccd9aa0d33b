package io.tensorarrow.spark.python.arrow;

import io.tensorarrow.spark.tensor.vector.Validity;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.vector.FieldVector;

/**
 * A record batch as one encapsulated message of Arrow's IPC format whose buffers lie where
 * alignment wants them: each on {@value #ALIGNMENT} bytes, which Arrow's own writer does not do.
 *
 * <p>Borrows the buffers of the vectors that it was made of.
 */
public final class ArrowMessage {
  /** What NumPy, TensorFlow and vector instructions want at most. */
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

  /** Lays out a batch; its vectors have to stay as they are until the frame is written. */
  public static ArrowMessage of(List<FieldVector> columns, int rows) {
    List<IpcMessages.Node> nodes = new ArrayList<>();
    List<ArrowBuf> buffers = new ArrayList<>();
    columns.forEach(column -> append(column, nodes, buffers));
    List<IpcMessages.Place> places = new ArrayList<>();
    long end = 0;
    for (ArrowBuf buffer : buffers) {
      places.add(new IpcMessages.Place(end, buffer.readableBytes()));
      end = IpcMessages.aligned(end + buffer.readableBytes(), ALIGNMENT);
    }
    return new ArrowMessage(IpcMessages.batch(rows, nodes, places, end, ALIGNMENT), buffers, end);
  }

  private static void append(
      FieldVector vector, List<IpcMessages.Node> nodes, List<ArrowBuf> buffers) {
    int nulls = Validity.nullCount(vector);
    nodes.add(new IpcMessages.Node(vector.getValueCount(), nulls));
    buffers.addAll(buffers(vector, nulls));
    vector.getChildrenFromFields().forEach(part -> append(part, nodes, buffers));
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

  /** Returns how many bytes of tensors and other columns it has, with the gaps between them. */
  public long bodyBytes() {
    return bodyBytes;
  }

  /** Returns how many bytes the whole message has; its body begins on {@link #ALIGNMENT} bytes. */
  public long bytes() {
    return head.length + bodyBytes;
  }

  /** What takes a frame's bytes: each part is written where the one before ended. */
  public interface Target {
    /** Writes bytes, from the first on. */
    public void write(long offset, byte[] bytes, int length) throws IOException;

    /** Copies what is readable of a buffer. */
    public void write(long offset, ArrowBuf buffer) throws IOException;
  }

  /** Writes the message, with zeros in the gaps between buffers. */
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
