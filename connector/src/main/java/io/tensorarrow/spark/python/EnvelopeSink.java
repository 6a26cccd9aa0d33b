package io.tensorarrow.spark.python;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Optional;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.VarBinaryVector;
import org.apache.arrow.vector.ipc.message.ArrowFieldNode;
import org.apache.arrow.vector.types.pojo.ArrowType;
import org.apache.arrow.vector.types.pojo.Field;
import org.apache.arrow.vector.types.pojo.FieldType;
import org.apache.arrow.vector.types.pojo.Schema;

/**
 * Hands batches over through shared memory: the stream has one column of envelopes, of which each
 * holds the schema, the handle of a batch in a segment, or a whole batch where that is cheaper or
 * no segment can be had.
 */
final class EnvelopeSink implements BatchSink {
  /** The one column's name, by which the worker knows the protocol and its version. */
  static final Field COLUMN =
      new Field("tensorarrow/1", FieldType.notNullable(ArrowType.Binary.INSTANCE), null);

  /** Below this many bytes a batch goes through the socket faster. */
  static final int INLINE_BYTES = 128 << 10;

  private static final int KIND_SCHEMA = 1;
  private static final int KIND_HANDLE = 2;
  private static final int KIND_INLINE = 3;

  /** Inline batches begin where their buffers are aligned if the envelope is. */
  private static final int INLINE_OFFSET = Frame.ALIGNMENT;

  private static final int HANDLE_BYTES = 56;

  private final ArrowStream stream;
  private final Schema schema;
  private final TaskLeases leases;
  private final HandoverCounters counters;
  private final BufferAllocator allocator;

  EnvelopeSink(
      ArrowStream stream,
      Schema schema,
      TaskLeases leases,
      HandoverCounters counters,
      BufferAllocator allocator) {
    this.stream = stream;
    this.schema = schema;
    this.leases = leases;
    this.counters = counters;
    this.allocator = allocator;
  }

  @Override
  public void begin() throws IOException {
    stream.begin();
    byte[] message = Frame.schema(schema);
    try (ArrowBuf envelope = allocator.buffer(Long.BYTES + message.length)) {
      envelope.writeInt(KIND_SCHEMA);
      envelope.writeInt(0);
      envelope.writeBytes(message);
      send(envelope);
    }
  }

  @Override
  public void write(List<FieldVector> columns, int rows) throws IOException {
    Frame frame = Frame.of(columns, rows);
    if (frame.bodyBytes() < INLINE_BYTES) {
      writeInline(frame);
      return;
    }
    // What is waited for must have been sent.
    stream.flush();
    leases.awaitTurn();
    Optional<SegmentLease> lease = leases.lease(frame.bytes());
    if (lease.isPresent()) {
      writeShared(frame, lease.get());
    } else {
      writeInline(frame);
    }
  }

  private void writeShared(Frame frame, SegmentLease lease) throws IOException {
    SharedSegment segment = lease.segment();
    frame.writeTo(segment, SharedSegment.HEADER_BYTES);
    counters.shared(frame.bodyBytes());
    ByteBuffer handle = ByteBuffer.allocate(HANDLE_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    handle
        .putInt(KIND_HANDLE)
        .putInt((int) ProcessHandle.current().pid())
        .putInt(segment.descriptor())
        .putInt(segment.id())
        .putInt(lease.generation())
        .putInt(0)
        .putLong(segment.size())
        .putLong(SharedSegment.HEADER_BYTES)
        .putLong(frame.bytes())
        .putLong(segment.nonce());
    try (ArrowBuf envelope = allocator.buffer(HANDLE_BYTES)) {
      envelope.writeBytes(handle.array());
      send(envelope);
    }
  }

  private void writeInline(Frame frame) throws IOException {
    counters.inlined(frame.bodyBytes());
    long bytes = INLINE_OFFSET + frame.bytes();
    try (ArrowBuf envelope = allocator.buffer(bytes)) {
      envelope.setZero(0, bytes);
      envelope.setInt(0, KIND_INLINE);
      frame.writeTo(new InlineTarget(envelope), INLINE_OFFSET);
      envelope.writerIndex(bytes);
      send(envelope);
    }
  }

  private record InlineTarget(ArrowBuf envelope) implements Frame.Target {
    @Override
    public ByteBuffer bytes(long offset, long length) {
      return envelope.nioBuffer(offset, (int) length);
    }

    @Override
    public void write(long offset, ArrowBuf buffer) {
      envelope.setBytes(offset, buffer, 0, buffer.readableBytes());
    }
  }

  private void send(ArrowBuf envelope) throws IOException {
    try (VarBinaryVector column = new VarBinaryVector(COLUMN, allocator);
        ArrowBuf offsets = allocator.buffer(2L * Integer.BYTES)) {
      offsets.writeInt(0);
      offsets.writeInt((int) envelope.readableBytes());
      column.loadFieldBuffers(
          new ArrowFieldNode(1, 0), List.of(allocator.getEmpty(), offsets, envelope));
      stream.write(List.of(column), 1);
    }
  }

  @Override
  public void end() throws IOException {
    stream.end();
  }
}
