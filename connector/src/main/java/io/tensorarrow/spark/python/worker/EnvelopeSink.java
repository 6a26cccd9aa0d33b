package io.tensorarrow.spark.python.worker;

import io.tensorarrow.spark.python.arrow.ArrowColumns;
import io.tensorarrow.spark.python.arrow.ArrowMessage;
import io.tensorarrow.spark.python.arrow.IpcMessages;
import io.tensorarrow.spark.python.shm.SegmentLayout;
import io.tensorarrow.spark.python.shm.SegmentLease;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.types.pojo.Field;
import org.apache.arrow.vector.types.pojo.Schema;
import org.apache.spark.sql.types.StructField;

/**
 * Hands batches over in envelopes, and decides what goes into which: the handle of a batch in a
 * segment; the batch itself where that is cheaper or no segment is free; a tensor that the function
 * changes in place in a segment of its own.
 */
final class EnvelopeSink implements BatchSink {
  /** Below this many bytes a batch goes through the socket faster. */
  static final int INLINE_BYTES = 128 << 10;

  /** Larger batches are cut: an envelope's length is an int32, and so is that of a mapping. */
  private static final long MAX_BYTES = 1L << 30;

  private final WorkerStream stream;
  private final EnvelopeStream envelopes;
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
    this.envelopes = new EnvelopeStream(stream);
    this.schema = new Schema(columns);
    this.call = call;
    this.leases = leases;
    this.counters = counters;
  }

  @Override
  public void begin() throws IOException {
    envelopes.begin();
    envelopes.write(Envelopes.schema(IpcMessages.schema(schema)));
  }

  @Override
  public void write(ArrowColumns columns, int rows) throws IOException {
    ArrowMessage message = ArrowMessage.of(columns.vectors(), rows);
    if (message.bytes() > MAX_BYTES && rows > 1) {
      writeSlice(columns, 0, rows / 2);
      writeSlice(columns, rows / 2, rows - rows / 2);
      return;
    }
    countWidened(columns);
    if (!call.sharesMemory()) {
      counters.arrow();
      envelopes.writeInline(message);
      return;
    }
    if (message.bodyBytes() < INLINE_BYTES) {
      writeInline(message);
      return;
    }
    leases.awaitTurn();
    if (call.schema().forms().inPlace().isEmpty()) {
      writeBatch(message).ifPresent(leases::sent);
    } else {
      writeTensorsAndBatch(columns, rows);
    }
    // The worker begins with this batch while the next one is made, and awaitTurn waits only for
    // batches that have been sent.
    stream.flush();
  }

  private void writeSlice(ArrowColumns columns, int firstRow, int count) throws IOException {
    try (ArrowColumns slice = columns.slice(firstRow, count)) {
      write(slice, count);
    }
  }

  private void countWidened(ArrowColumns columns) {
    ColumnForms forms = call.schema().forms();
    if (!forms.forTensors()) {
      counters.widened(
          forms.nativeColumns().stream()
              .mapToLong(i -> InPlaceTensor.elements(columns.vectors().get(i)).readableBytes())
              .sum());
    }
  }

  /** Writes tensors that the function may change, each by itself, and a batch of the others. */
  private void writeTensorsAndBatch(ArrowColumns columns, int rows) throws IOException {
    List<SegmentLease> sentLeases = new ArrayList<>();
    List<FieldVector> batchColumns = new ArrayList<>();
    for (int i = 0; i < columns.vectors().size(); i++) {
      FieldVector column = columns.vectors().get(i);
      Optional<InPlaceTensor> tensor =
          call.schema().forms().inPlace().contains(i)
              ? leaseInPlace(column, rows, i)
              : Optional.empty();
      if (tensor.isPresent()) {
        writeInPlace(tensor.get(), InPlaceTensor.elements(column), i);
        sentLeases.add(tensor.get().lease());
      } else {
        batchColumns.add(column);
      }
    }
    writeBatch(ArrowMessage.of(batchColumns, rows)).ifPresent(sentLeases::add);
    // The worker marks all segments of a batch as seen at once.
    sentLeases.stream().findFirst().ifPresent(leases::sent);
  }

  /** Writes a batch through shared memory if a segment is free; returns the segment's lease. */
  private Optional<SegmentLease> writeBatch(ArrowMessage message) throws IOException {
    Optional<SegmentLease> lease =
        message.bodyBytes() < INLINE_BYTES ? Optional.empty() : leases.lease(message.bytes());
    if (lease.isPresent()) {
      writeShared(message, lease.get());
    } else {
      writeInline(message);
    }
    return lease;
  }

  private Optional<InPlaceTensor> leaseInPlace(FieldVector column, int rows, int ordinal) {
    long bytes = InPlaceTensor.elements(column).readableBytes();
    if (bytes < INLINE_BYTES) {
      return Optional.empty();
    }
    StructField field = call.schema().input().fields()[ordinal];
    return leases.leaseInPlace(field, InPlaceTensor.dims(column, rows, field), bytes);
  }

  private void writeInPlace(InPlaceTensor tensor, ArrowBuf elements, int ordinal)
      throws IOException {
    tensor.lease().segment().write(SegmentLayout.HEADER_BYTES, elements);
    counters.sentInPlace(tensor.bytes());
    SegmentHandle handle = SegmentHandle.of(tensor.lease(), ordinal, tensor.bytes());
    envelopes.write(Envelopes.inPlace(handle, tensor.dims()));
  }

  private void writeShared(ArrowMessage message, SegmentLease lease) throws IOException {
    message.writeTo(lease.segment(), SegmentLayout.HEADER_BYTES);
    counters.shared(message.bodyBytes());
    envelopes.write(Envelopes.handle(SegmentHandle.of(lease, 0, message.bytes())));
  }

  private void writeInline(ArrowMessage message) throws IOException {
    counters.inlined(message.bodyBytes());
    envelopes.writeInline(message);
  }

  @Override
  public void end() throws IOException {
    envelopes.end();
  }
}
