package io.tensorarrow.spark.python;

import com.google.flatbuffers.FlatBufferBuilder;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import org.apache.arrow.flatbuf.Buffer;
import org.apache.arrow.flatbuf.FieldNode;
import org.apache.arrow.flatbuf.Message;
import org.apache.arrow.flatbuf.MessageHeader;
import org.apache.arrow.flatbuf.MetadataVersion;
import org.apache.arrow.flatbuf.RecordBatch;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.types.pojo.Schema;

/**
 * A record batch as one encapsulated message of Arrow's IPC format whose buffers lie where
 * alignment wants them: each on {@value #ALIGNMENT} bytes, which Arrow's own writer does not do.
 *
 * <p>Borrows the buffers of the vectors that it was made of.
 *
 * @see <a href="https://arrow.apache.org/docs/format/Columnar.html#encapsulated-message-format">the
 *     format</a>
 */
final class Frame {
  /** What NumPy, TensorFlow and vector instructions want at most. */
  static final int ALIGNMENT = 64;

  private static final int CONTINUATION = 0xFFFFFFFF;
  private static final int PREFIX_BYTES = 2 * Integer.BYTES;
  private static final byte[] ZEROS = new byte[ALIGNMENT];

  private final byte[] metadata;
  private final List<ArrowBuf> buffers;
  private final List<Long> offsets;
  private final long bodyBytes;

  private Frame(byte[] metadata, List<ArrowBuf> buffers, List<Long> offsets, long bodyBytes) {
    this.metadata = metadata;
    this.buffers = buffers;
    this.offsets = offsets;
    this.bodyBytes = bodyBytes;
  }

  /** Returns the message of a schema. */
  static byte[] schema(Schema schema) {
    FlatBufferBuilder builder = new FlatBufferBuilder();
    byte[] metadata = message(builder, MessageHeader.Schema, schema.getSchema(builder), 0);
    ByteBuffer message =
        ByteBuffer.allocate((int) aligned(PREFIX_BYTES + metadata.length, Long.BYTES))
            .order(ByteOrder.LITTLE_ENDIAN);
    message.putInt(CONTINUATION).putInt(message.capacity() - PREFIX_BYTES).put(metadata);
    return message.array();
  }

  /** Lays out a batch; its vectors have to stay as they are until the frame is written. */
  static Frame of(List<FieldVector> columns, int rows) {
    List<FieldVector> vectors = new ArrayList<>();
    columns.forEach(column -> addWithParts(column, vectors));
    List<ArrowBuf> buffers = new ArrayList<>();
    List<Long> offsets = new ArrayList<>();
    long end = 0;
    for (FieldVector vector : vectors) {
      for (ArrowBuf buffer : buffers(vector)) {
        buffers.add(buffer);
        offsets.add(end);
        end = aligned(end + buffer.readableBytes(), ALIGNMENT);
      }
    }
    return new Frame(metadata(rows, vectors, buffers, offsets, end), buffers, offsets, end);
  }

  private static void addWithParts(FieldVector vector, List<FieldVector> vectors) {
    vectors.add(vector);
    vector.getChildrenFromFields().forEach(part -> addWithParts(part, vectors));
  }

  /** Returns the buffers as the format orders them; validity bits are empty if nothing is null. */
  static List<ArrowBuf> buffers(FieldVector vector) {
    List<ArrowBuf> buffers = new ArrayList<>(vector.getFieldBuffers());
    // Columns of nothing but nulls have no buffers.
    if (!buffers.isEmpty() && vector.getNullCount() == 0) {
      buffers.set(0, vector.getAllocator().getEmpty());
    }
    return buffers;
  }

  private static byte[] metadata(
      int rows,
      List<FieldVector> vectors,
      List<ArrowBuf> buffers,
      List<Long> offsets,
      long bodyBytes) {
    // Flatbuffers are built from the end.
    FlatBufferBuilder builder = new FlatBufferBuilder();
    RecordBatch.startNodesVector(builder, vectors.size());
    for (int i = vectors.size() - 1; i >= 0; i--) {
      FieldVector vector = vectors.get(i);
      FieldNode.createFieldNode(builder, vector.getValueCount(), vector.getNullCount());
    }
    int nodes = builder.endVector();
    RecordBatch.startBuffersVector(builder, buffers.size());
    for (int i = buffers.size() - 1; i >= 0; i--) {
      Buffer.createBuffer(builder, offsets.get(i), buffers.get(i).readableBytes());
    }
    int places = builder.endVector();
    RecordBatch.startRecordBatch(builder);
    RecordBatch.addLength(builder, rows);
    RecordBatch.addNodes(builder, nodes);
    RecordBatch.addBuffers(builder, places);
    int batch = RecordBatch.endRecordBatch(builder);
    return message(builder, MessageHeader.RecordBatch, batch, bodyBytes);
  }

  private static byte[] message(FlatBufferBuilder builder, byte type, int header, long bodyBytes) {
    Message.startMessage(builder);
    Message.addHeaderType(builder, type);
    Message.addHeader(builder, header);
    Message.addVersion(builder, MetadataVersion.V5);
    Message.addBodyLength(builder, bodyBytes);
    builder.finish(Message.endMessage(builder));
    return builder.sizedByteArray();
  }

  /** Returns how many bytes of tensors and other columns it has, with the gaps between them. */
  long bodyBytes() {
    return bodyBytes;
  }

  /** Returns how many bytes the whole message has; its body begins on {@link #ALIGNMENT} bytes. */
  long bytes() {
    return bodyOffset() + bodyBytes;
  }

  private long bodyOffset() {
    return aligned(PREFIX_BYTES + metadata.length, ALIGNMENT);
  }

  /** What takes a frame's bytes. */
  interface Target {
    /** Returns a view of some bytes, to be written in the machine's order. */
    ByteBuffer bytes(long offset, long length);

    /** Copies a buffer. */
    void write(long offset, ArrowBuf buffer);
  }

  /** Writes the message, with zeros in the gaps between buffers. */
  void writeTo(Target target, long offset) {
    int metadataBytes = (int) (bodyOffset() - PREFIX_BYTES);
    ByteBuffer head = target.bytes(offset, bodyOffset()).order(ByteOrder.LITTLE_ENDIAN);
    head.putInt(CONTINUATION).putInt(metadataBytes).put(metadata);
    while (head.hasRemaining()) {
      head.put((byte) 0);
    }
    long body = offset + bodyOffset();
    for (int i = 0; i < buffers.size(); i++) {
      long end = offsets.get(i) + buffers.get(i).readableBytes();
      int gap = (int) (aligned(end, ALIGNMENT) - end);
      target.write(body + offsets.get(i), buffers.get(i));
      target.bytes(body + end, gap).put(ZEROS, 0, gap);
    }
  }

  static long aligned(long bytes, int alignment) {
    return (bytes + alignment - 1) / alignment * alignment;
  }
}
