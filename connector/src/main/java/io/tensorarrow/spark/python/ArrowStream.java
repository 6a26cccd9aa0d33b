package io.tensorarrow.spark.python;

import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.util.ArrayList;
import java.util.List;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.ipc.ArrowStreamWriter;
import org.apache.arrow.vector.ipc.WriteChannel;
import org.apache.arrow.vector.ipc.message.ArrowFieldNode;
import org.apache.arrow.vector.ipc.message.ArrowRecordBatch;
import org.apache.arrow.vector.ipc.message.IpcOption;
import org.apache.arrow.vector.ipc.message.MessageSerializer;
import org.apache.arrow.vector.types.pojo.ArrowType;
import org.apache.arrow.vector.types.pojo.Field;
import org.apache.arrow.vector.types.pojo.FieldType;
import org.apache.arrow.vector.types.pojo.Schema;

/**
 * An Arrow stream to a worker. Buffers are written as they lie in memory; vectors stay the
 * caller's. Not thread-safe.
 */
final class ArrowStream {
  private final DataOutputStream out;
  private final WriteChannel channel;
  private final BufferAllocator allocator;
  private final boolean struct;
  private final Schema schema;

  /**
   * Begins a stream: nothing is written yet.
   *
   * @param out Spark's buffered stream to the worker
   * @param columns the columns
   * @param struct whether they go as one struct, as Spark's workers expect whole batches
   */
  ArrowStream(
      DataOutputStream out, List<Field> columns, boolean struct, BufferAllocator allocator) {
    this.out = out;
    this.channel = new WriteChannel(new StreamChannel(out));
    this.allocator = allocator;
    this.struct = struct;
    this.schema =
        new Schema(
            struct
                ? List.of(
                    new Field("struct", FieldType.nullable(ArrowType.Struct.INSTANCE), columns))
                : columns);
  }

  /** Writes the schema. */
  void begin() throws IOException {
    MessageSerializer.serialize(channel, schema);
  }

  /** Writes a batch of columns. */
  void write(List<FieldVector> columns, int rows) throws IOException {
    List<ArrowFieldNode> nodes = new ArrayList<>();
    List<ArrowBuf> buffers = new ArrayList<>();
    if (struct) {
      nodes.add(new ArrowFieldNode(rows, 0));
      buffers.add(allocator.getEmpty());
    }
    columns.forEach(column -> append(column, nodes, buffers));
    try (ArrowRecordBatch batch = new ArrowRecordBatch(rows, nodes, buffers)) {
      MessageSerializer.serialize(channel, batch);
    }
  }

  private static void append(
      FieldVector vector, List<ArrowFieldNode> nodes, List<ArrowBuf> buffers) {
    nodes.add(new ArrowFieldNode(vector.getValueCount(), vector.getNullCount()));
    buffers.addAll(Frame.buffers(vector));
    vector.getChildrenFromFields().forEach(part -> append(part, nodes, buffers));
  }

  /** Sends what is buffered: a worker that is waited for has to have it. */
  void flush() throws IOException {
    out.flush();
  }

  /** Ends the stream; the socket is Spark's. */
  void end() throws IOException {
    ArrowStreamWriter.writeEndOfStream(channel, IpcOption.DEFAULT);
  }

  long bytesWritten() {
    return channel.getCurrentPosition();
  }

  /** Spark's socket has a stream only; Java's adapter would copy in steps of 8 KiB. */
  private static final class StreamChannel implements WritableByteChannel {
    private final DataOutputStream out;
    private final byte[] chunk = new byte[1 << 18];

    StreamChannel(DataOutputStream out) {
      this.out = out;
    }

    @Override
    public int write(ByteBuffer source) throws IOException {
      int written = source.remaining();
      while (source.hasRemaining()) {
        int size = Math.min(chunk.length, source.remaining());
        source.get(chunk, 0, size);
        out.write(chunk, 0, size);
      }
      return written;
    }

    @Override
    public boolean isOpen() {
      return true;
    }

    @Override
    public void close() {
      // The socket is Spark's.
    }
  }
}
