package io.tensorarrow.spark.python.worker;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.python.arrow.ArrowColumns;
import io.tensorarrow.spark.python.arrow.ArrowMessage;
import io.tensorarrow.spark.python.arrow.IpcMessages;
import io.tensorarrow.spark.python.shm.SegmentLease;
import io.tensorarrow.spark.python.shm.SharedSegment;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.vector.FieldVector;
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
  private static final int INLINE_OFFSET = ArrowMessage.ALIGNMENT;

  private static final int HANDLE_BYTES = 56;

  /** Larger batches are cut: an envelope's length is an int32, and so is that of a mapping. */
  private static final long MOST_BYTES = 1L << 30;

  // Of the struct, and of the envelope in it.
  private static final List<IpcMessages.Node> ONE_ROW =
      List.of(new IpcMessages.Node(1, 0), new IpcMessages.Node(1, 0));

  private static final Schema ENVELOPES =
      new Schema(
          List.of(
              new Field("struct", FieldType.nullable(ArrowType.Struct.INSTANCE), List.of(COLUMN))));

  private final WorkerStream stream;
  private final Schema schema;
  private final PythonCall call;
  private final TaskLeases leases;
  private final HandoverCounters counters;

  EnvelopeSink(
      WorkerStream stream,
      List<Field> columns,
      PythonCall call,
      TaskLeases leases,
      HandoverCounters counters) {
    this.stream = stream;
    this.schema = new Schema(columns);
    this.call = call;
    this.leases = leases;
    this.counters = counters;
  }

  @Override
  public void begin() throws IOException {
    stream.write(IpcMessages.schema(ENVELOPES));
    byte[] message = IpcMessages.schema(schema);
    byte[] envelope = new byte[Long.BYTES + message.length];
    begun(envelope, KIND_SCHEMA).putInt(0).put(message);
    send(envelope);
  }

  @Override
  public void write(ArrowColumns columns, int rows) throws IOException {
    ArrowMessage frame = ArrowMessage.of(columns.vectors(), rows);
    if (frame.bytes() > MOST_BYTES && rows > 1) {
      writeRows(columns, 0, rows / 2);
      writeRows(columns, rows / 2, rows - rows / 2);
      return;
    }
    countWidened(columns);
    if (!call.sharesMemory()) {
      counters.arrow();
      sendInline(frame);
      return;
    }
    if (frame.bodyBytes() < INLINE_BYTES) {
      writeInline(frame);
      return;
    }
    leases.awaitTurn();
    if (call.forms().inPlace().isEmpty()) {
      writeTogether(frame).ifPresent(leases::sent);
    } else {
      writeApart(columns, rows);
    }
    // The worker begins with it while the next one is made, and what is waited for has been sent.
    stream.flush();
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
              .mapToLong(i -> InPlaceTensor.elements(columns.vectors().get(i)).readableBytes())
              .sum());
    }
  }

  private void writeApart(ArrowColumns columns, int rows) throws IOException {
    List<SegmentLease> sent = new ArrayList<>();
    List<FieldVector> together = new ArrayList<>();
    for (int i = 0; i < columns.vectors().size(); i++) {
      FieldVector column = columns.vectors().get(i);
      Optional<InPlaceTensor> alone =
          call.forms().inPlace().contains(i) ? leaseInPlace(column, rows, i) : Optional.empty();
      if (alone.isPresent()) {
        writeInPlace(alone.get(), InPlaceTensor.elements(column), i);
        sent.add(alone.get().lease());
      } else {
        together.add(column);
      }
    }
    writeTogether(ArrowMessage.of(together, rows)).ifPresent(sent::add);
    // The worker sees all segments of a batch at once.
    sent.stream().findFirst().ifPresent(leases::sent);
  }

  private Optional<SegmentLease> writeTogether(ArrowMessage frame) throws IOException {
    Optional<SegmentLease> lease =
        frame.bodyBytes() < INLINE_BYTES ? Optional.empty() : leases.lease(frame.bytes());
    if (lease.isPresent()) {
      writeShared(frame, lease.get());
    } else {
      writeInline(frame);
    }
    return lease;
  }

  private Optional<InPlaceTensor> leaseInPlace(FieldVector column, int rows, int ordinal) {
    long bytes = InPlaceTensor.elements(column).readableBytes();
    if (bytes < INLINE_BYTES) {
      return Optional.empty();
    }
    StructField field = call.input().fields()[ordinal];
    return leases.leaseInPlace(field, InPlaceTensor.dims(column, rows, field), bytes);
  }

  private void writeInPlace(InPlaceTensor column, ArrowBuf elements, int ordinal)
      throws IOException {
    column.lease().segment().write(SharedSegment.HEADER_BYTES, elements);
    counters.sentInPlace(column.bytes());
    byte[] envelope = new byte[HANDLE_BYTES + column.dims().size() * Long.BYTES];
    ByteBuffer message = begun(envelope, KIND_IN_PLACE);
    putHandle(message, column.lease(), ordinal, column.bytes());
    column.dims().forEach(message::putLong);
    send(envelope);
  }

  private void writeShared(ArrowMessage frame, SegmentLease lease) throws IOException {
    frame.writeTo(lease.segment(), SharedSegment.HEADER_BYTES);
    counters.shared(frame.bodyBytes());
    byte[] envelope = new byte[HANDLE_BYTES];
    putHandle(begun(envelope, KIND_HANDLE), lease, 0, frame.bytes());
    send(envelope);
  }

  private static void putHandle(ByteBuffer message, SegmentLease lease, int ordinal, long bytes) {
    SharedSegment segment = lease.segment();
    message
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

  private void writeInline(ArrowMessage frame) throws IOException {
    counters.inlined(frame.bodyBytes());
    sendInline(frame);
  }

  private void sendInline(ArrowMessage frame) throws IOException {
    long bytes = INLINE_OFFSET + frame.bytes();
    if (bytes > Integer.MAX_VALUE) {
      throw new TensorArrowException(
          ErrorCode.TA_UNSUPPORTED,
          "Cannot hand a row over to Python: found %d bytes in one row; expected at most %d"
              .formatted(bytes, Integer.MAX_VALUE));
    }
    beginEnvelope(bytes);
    byte[] head = new byte[INLINE_OFFSET];
    begun(head, KIND_INLINE);
    stream.write(head);
    frame.writeTo(stream, INLINE_OFFSET);
    endEnvelope(bytes);
  }

  private static ByteBuffer begun(byte[] envelope, int kind) {
    return ByteBuffer.wrap(envelope).order(ByteOrder.LITTLE_ENDIAN).putInt(kind);
  }

  private void send(byte[] envelope) throws IOException {
    beginEnvelope(envelope.length);
    stream.write(envelope);
    endEnvelope(envelope.length);
  }

  /**
   * Writes what comes before the bytes of an envelope: a batch of one row, as far as its offsets.
   */
  private void beginEnvelope(long bytes) throws IOException {
    long end = ArrowMessage.ALIGNMENT + IpcMessages.aligned(bytes, ArrowMessage.ALIGNMENT);
    stream.write(IpcMessages.batch(1, ONE_ROW, places(bytes), end, Long.BYTES));
    byte[] offsets = new byte[ArrowMessage.ALIGNMENT];
    ByteBuffer.wrap(offsets).order(ByteOrder.LITTLE_ENDIAN).putInt(0).putInt((int) bytes);
    stream.write(offsets);
  }

  private static List<IpcMessages.Place> places(long bytes) {
    IpcMessages.Place validity = new IpcMessages.Place(0, 0);
    return List.of(
        validity,
        validity,
        new IpcMessages.Place(0, 2L * Integer.BYTES),
        new IpcMessages.Place(ArrowMessage.ALIGNMENT, bytes));
  }

  private void endEnvelope(long bytes) throws IOException {
    stream.write(new byte[(int) (IpcMessages.aligned(bytes, ArrowMessage.ALIGNMENT) - bytes)]);
  }

  @Override
  public void end() throws IOException {
    stream.write(IpcMessages.endOfStream());
  }
}
