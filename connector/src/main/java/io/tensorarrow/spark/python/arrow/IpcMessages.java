package io.tensorarrow.spark.python.arrow;

import com.google.flatbuffers.FlatBufferBuilder;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import org.apache.arrow.flatbuf.Buffer;
import org.apache.arrow.flatbuf.FieldNode;
import org.apache.arrow.flatbuf.Message;
import org.apache.arrow.flatbuf.MessageHeader;
import org.apache.arrow.flatbuf.MetadataVersion;
import org.apache.arrow.flatbuf.RecordBatch;
import org.apache.arrow.vector.types.pojo.Schema;

/**
 * Encapsulated messages of Arrow's IPC format, but for the bodies.
 *
 * @see <a href="https://arrow.apache.org/docs/format/Columnar.html#encapsulated-message-format">the
 *     format</a>
 */
public final class IpcMessages {
  private static final int CONTINUATION = 0xFFFFFFFF;
  private static final int PREFIX_BYTES = 2 * Integer.BYTES;

  private static final byte[] END = {-1, -1, -1, -1, 0, 0, 0, 0};

  private IpcMessages() {}

  /** Returns the bytes that end a stream. */
  public static byte[] endOfStream() {
    return END.clone();
  }

  /** How many values a vector has, and how many of them are null. */
  public record ValueCounts(int values, int nulls) {}

  /** Where in a message's body a buffer is, in bytes. */
  public record BufferRange(long offset, long length) {}

  /** Returns the message of a schema, which has no body. */
  public static byte[] schema(Schema schema) {
    FlatBufferBuilder builder = new FlatBufferBuilder();
    return head(builder, MessageHeader.Schema, schema.getSchema(builder), 0, Long.BYTES);
  }

  /**
   * Returns what comes before the body of a record batch.
   *
   * @param counts those of all vectors, each before its children
   * @param buffers the ranges of all their buffers
   * @param bodyBytes how long the body is
   * @param alignment the message is padded to a multiple of this many bytes
   */
  public static byte[] batch(
      int rows,
      List<ValueCounts> counts,
      List<BufferRange> buffers,
      long bodyBytes,
      int alignment) {
    // Flatbuffers are built from the end.
    FlatBufferBuilder builder = new FlatBufferBuilder();
    RecordBatch.startNodesVector(builder, counts.size());
    for (int i = counts.size() - 1; i >= 0; i--) {
      FieldNode.createFieldNode(builder, counts.get(i).values(), counts.get(i).nulls());
    }
    int nodesVector = builder.endVector();
    RecordBatch.startBuffersVector(builder, buffers.size());
    for (int i = buffers.size() - 1; i >= 0; i--) {
      Buffer.createBuffer(builder, buffers.get(i).offset(), buffers.get(i).length());
    }
    int buffersVector = builder.endVector();
    RecordBatch.startRecordBatch(builder);
    RecordBatch.addLength(builder, rows);
    RecordBatch.addNodes(builder, nodesVector);
    RecordBatch.addBuffers(builder, buffersVector);
    int batch = RecordBatch.endRecordBatch(builder);
    return head(builder, MessageHeader.RecordBatch, batch, bodyBytes, alignment);
  }

  private static byte[] head(
      FlatBufferBuilder builder, byte type, int header, long bodyBytes, int alignment) {
    Message.startMessage(builder);
    Message.addHeaderType(builder, type);
    Message.addHeader(builder, header);
    Message.addVersion(builder, MetadataVersion.V5);
    Message.addBodyLength(builder, bodyBytes);
    builder.finish(Message.endMessage(builder));
    ByteBuffer metadata = builder.dataBuffer();
    byte[] head = new byte[(int) aligned(PREFIX_BYTES + metadata.remaining(), alignment)];
    ByteBuffer.wrap(head)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putInt(CONTINUATION)
        .putInt(head.length - PREFIX_BYTES)
        .put(metadata);
    return head;
  }

  public static long aligned(long bytes, int alignment) {
    return (bytes + alignment - 1) / alignment * alignment;
  }
}
