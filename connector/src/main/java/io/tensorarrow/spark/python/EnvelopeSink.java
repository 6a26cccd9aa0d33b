package io.tensorarrow.spark.python;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
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
import org.apache.spark.sql.types.StructField;

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
  private static final int KIND_IN_PLACE = 4;

  /** Inline batches begin where their buffers are aligned if the envelope is. */
  private static final int INLINE_OFFSET = Frame.ALIGNMENT;

  private static final int HANDLE_BYTES = 56;

  /** Larger batches are cut: an envelope's length is an int32, and so is that of a mapping. */
  private static final long MOST_BYTES = 1L << 30;

  private final ArrowStream stream;
  private final Schema schema;
  private final PythonCall call;
  private final TaskLeases leases;
  private final HandoverCounters counters;
  private final BufferAllocator allocator;

  EnvelopeSink(
      ArrowStream stream,
      Schema schema,
      PythonCall call,
      TaskLeases leases,
      HandoverCounters counters,
      BufferAllocator allocator) {
    this.stream = stream;
    this.schema = schema;
    this.call = call;
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
  public void write(ArrowColumns columns, int rows) throws IOException {
    Frame frame = Frame.of(columns.vectors(), rows);
    if (frame.bytes() > MOST_BYTES && rows > 1) {
      writeRows(columns, 0, rows / 2);
      writeRows(columns, rows / 2, rows - rows / 2);
      return;
    }
    countWidened(columns);
    if (!call.sharesMemory()) {
      counters.plain();
      sendInline(frame);
      return;
    }
    if (frame.bodyBytes() < INLINE_BYTES) {
      writeInline(frame);
      return;
    }
    // What is waited for must have been sent.
    stream.flush();
    leases.awaitTurn();
    writeLarge(columns, rows);
  }

  private void writeRows(ArrowColumns columns, int first, int count) throws IOException {
    try (ArrowColumns part = columns.slice(first, count)) {
      write(part, count);
    }
  }

  private void countWidened(ArrowColumns columns) {
    if (!call.forms().forTensors()) {
      counters.widened(
          call.forms().raw().stream()
              .mapToLong(i -> InPlaceColumn.elements(columns.vectors().get(i)).readableBytes())
              .sum());
    }
  }

  private void writeLarge(ArrowColumns columns, int rows) throws IOException {
    List<SegmentLease> sent = new ArrayList<>();
    List<FieldVector> together = new ArrayList<>();
    for (int i = 0; i < columns.vectors().size(); i++) {
      FieldVector column = columns.vectors().get(i);
      Optional<InPlaceColumn> alone =
          call.forms().inPlace().contains(i) ? leaseInPlace(column, rows, i) : Optional.empty();
      if (alone.isPresent()) {
        writeInPlace(alone.get(), InPlaceColumn.elements(column), i);
        sent.add(alone.get().lease());
      } else {
        together.add(column);
      }
    }
    Frame frame = Frame.of(together, rows);
    Optional<SegmentLease> lease =
        frame.bodyBytes() < INLINE_BYTES ? Optional.empty() : leases.lease(frame.bytes());
    if (lease.isPresent()) {
      writeShared(frame, lease.get());
      sent.add(lease.get());
    } else {
      writeInline(frame);
    }
    // The worker sees all segments of a batch at once.
    sent.stream().findFirst().ifPresent(leases::sent);
  }

  private Optional<InPlaceColumn> leaseInPlace(FieldVector column, int rows, int ordinal) {
    long bytes = InPlaceColumn.elements(column).readableBytes();
    if (bytes < INLINE_BYTES) {
      return Optional.empty();
    }
    StructField field = call.input().fields()[ordinal];
    return leases.leaseInPlace(field, InPlaceColumn.dims(column, rows, field), bytes);
  }

  private void writeInPlace(InPlaceColumn column, ArrowBuf elements, int ordinal)
      throws IOException {
    column.lease().segment().write(SharedSegment.HEADER_BYTES, elements);
    counters.sharedInPlace(column.bytes());
    ByteBuffer message =
        ByteBuffer.allocate(HANDLE_BYTES + column.dims().size() * Long.BYTES)
            .order(ByteOrder.LITTLE_ENDIAN);
    putHandle(message, KIND_IN_PLACE, column.lease(), ordinal, column.bytes());
    column.dims().forEach(message::putLong);
    send(message.array());
  }

  private void writeShared(Frame frame, SegmentLease lease) throws IOException {
    frame.writeTo(lease.segment(), SharedSegment.HEADER_BYTES);
    counters.shared(frame.bodyBytes());
    ByteBuffer message = ByteBuffer.allocate(HANDLE_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    putHandle(message, KIND_HANDLE, lease, 0, frame.bytes());
    send(message.array());
  }

  private static void putHandle(
      ByteBuffer message, int kind, SegmentLease lease, int ordinal, long bytes) {
    SharedSegment segment = lease.segment();
    message
        .putInt(kind)
        .putInt((int) ProcessHandle.current().pid())
        .putInt(segment.descriptor())
        .putInt(segment.id())
        .putInt(lease.generation())
        .putInt(ordinal)
        .putLong(segment.size())
        .putLong(SharedSegment.HEADER_BYTES)
        .putLong(bytes)
        .putLong(segment.nonce());
  }

  private void send(byte[] message) throws IOException {
    try (ArrowBuf envelope = allocator.buffer(message.length)) {
      envelope.writeBytes(message);
      send(envelope);
    }
  }

  private void writeInline(Frame frame) throws IOException {
    counters.inlined(frame.bodyBytes());
    sendInline(frame);
  }

  private void sendInline(Frame frame) throws IOException {
    long bytes = INLINE_OFFSET + frame.bytes();
    if (bytes > Integer.MAX_VALUE) {
      throw new TensorArrowException(
          ErrorCode.TA_UNSUPPORTED,
          "Cannot hand a row over to Python: found %d bytes in one row; expected at most %d"
              .formatted(bytes, Integer.MAX_VALUE));
    }
    try (ArrowBuf envelope = allocator.buffer(bytes)) {
      envelope.setZero(0, INLINE_OFFSET);
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
