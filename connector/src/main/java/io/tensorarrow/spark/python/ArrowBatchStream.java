package io.tensorarrow.spark.python;

import java.io.IOException;
import java.io.OutputStream;
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
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.util.ArrowUtils;
import org.apache.spark.sql.vectorized.ColumnarBatch;

/**
 * An Arrow stream of batches, each in one struct column, as Spark's Python workers expect it.
 *
 * <p>Buffers of Arrow columns, and of tensors, are written as they lie in memory. Not thread-safe.
 */
final class ArrowBatchStream implements AutoCloseable {
  private final BufferAllocator allocator;
  private final WriteChannel channel;
  private final Schema schema;
  private final ColumnConversion conversion;
  private final int mostRows;

  ArrowBatchStream(OutputStream out, StructType columns, WorkerSettings settings) {
    this.channel = new WriteChannel(new StreamChannel(out));
    this.mostRows = settings.maxRecordsPerBatch();
    List<Field> fields =
        ArrowUtils.toArrowSchema(columns, settings.timeZone(), true, settings.largeVarTypes())
            .getFields();
    Field struct = new Field("struct", FieldType.nullable(ArrowType.Struct.INSTANCE), fields);
    this.schema = new Schema(List.of(struct));
    this.allocator =
        ArrowUtils.rootAllocator().newChildAllocator("batches to Python", 0, Long.MAX_VALUE);
    this.conversion = new ColumnConversion(fields, allocator);
  }

  /** Writes a batch; the caller keeps it. Batches larger than a worker may get are cut. */
  void write(ColumnarBatch batch) throws IOException {
    begin();
    int rows = batch.numRows();
    int step = mostRows <= 0 ? Math.max(1, rows) : mostRows;
    try (ArrowColumns columns = conversion.convert(batch)) {
      for (int first = 0; first < rows; first += step) {
        int count = Math.min(step, rows - first);
        try (ArrowColumns slice = columns.slice(first, count)) {
          write(slice.vectors(), count);
        }
      }
    }
  }

  private void write(List<FieldVector> columns, int rows) throws IOException {
    List<ArrowFieldNode> nodes = new ArrayList<>();
    List<ArrowBuf> buffers = new ArrayList<>();
    nodes.add(new ArrowFieldNode(rows, 0));
    buffers.add(allocator.getEmpty());
    columns.forEach(column -> append(column, nodes, buffers));
    try (ArrowRecordBatch batch = new ArrowRecordBatch(rows, nodes, buffers)) {
      MessageSerializer.serialize(channel, batch);
    }
  }

  private void append(FieldVector vector, List<ArrowFieldNode> nodes, List<ArrowBuf> buffers) {
    int nulls = vector.getNullCount();
    nodes.add(new ArrowFieldNode(vector.getValueCount(), nulls));
    List<ArrowBuf> own = vector.getFieldBuffers();
    // Where nothing is null, Arrow's format lets the validity bits out.
    buffers.add(nulls == 0 ? allocator.getEmpty() : own.get(0));
    buffers.addAll(own.subList(1, own.size()));
    vector.getChildrenFromFields().forEach(child -> append(child, nodes, buffers));
  }

  /** Ends the stream, which has a schema even if it has no batches. */
  void finish() throws IOException {
    begin();
    ArrowStreamWriter.writeEndOfStream(channel, IpcOption.DEFAULT);
  }

  private void begin() throws IOException {
    if (channel.getCurrentPosition() == 0) {
      MessageSerializer.serialize(channel, schema);
    }
  }

  long bytesWritten() {
    return channel.getCurrentPosition();
  }

  @Override
  public void close() {
    allocator.close();
  }

  /** Spark's socket has a stream only; Java's adapter would copy in steps of 8 KiB. */
  private static final class StreamChannel implements WritableByteChannel {
    private final OutputStream out;
    private final byte[] chunk = new byte[1 << 18];

    StreamChannel(OutputStream out) {
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
