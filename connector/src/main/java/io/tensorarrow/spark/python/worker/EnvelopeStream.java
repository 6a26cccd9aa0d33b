package io.tensorarrow.spark.python.worker;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.python.arrow.ArrowMessage;
import io.tensorarrow.spark.python.arrow.IpcMessages;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import org.apache.arrow.vector.types.pojo.ArrowType;
import org.apache.arrow.vector.types.pojo.Field;
import org.apache.arrow.vector.types.pojo.FieldType;
import org.apache.arrow.vector.types.pojo.Schema;

/**
 * Writes envelopes as an Arrow stream of one binary column, in which each envelope is a batch of
 * one row. Belongs to the writing thread.
 */
final class EnvelopeStream {
  private static final Schema SCHEMA =
      new Schema(
          List.of(
              new Field(
                  "struct",
                  FieldType.nullable(ArrowType.Struct.INSTANCE),
                  List.of(Envelopes.COLUMN))));

  // Of the struct, and of the envelope in it.
  private static final List<IpcMessages.ValueCounts> ONE_ROW =
      List.of(new IpcMessages.ValueCounts(1, 0), new IpcMessages.ValueCounts(1, 0));

  private final WorkerStream stream;

  EnvelopeStream(WorkerStream stream) {
    this.stream = stream;
  }

  void begin() throws IOException {
    stream.write(IpcMessages.schema(SCHEMA));
  }

  void end() throws IOException {
    stream.write(IpcMessages.endOfStream());
  }

  void write(byte[] envelope) throws IOException {
    beginRow(envelope.length);
    stream.write(envelope);
    endRow(envelope.length);
  }

  /**
   * Writes an envelope that holds a batch.
   *
   * @throws TensorArrowException with {@link ErrorCode#TA_UNSUPPORTED} if the batch is too large,
   *     which has one row then
   */
  void writeInline(ArrowMessage message) throws IOException {
    long bytes = Envelopes.INLINE_OFFSET + message.bytes();
    if (bytes > Integer.MAX_VALUE) {
      throw TensorArrowException.cannot(ErrorCode.TA_UNSUPPORTED, "hand a row over to Python")
          .found("%d bytes in one row", bytes)
          .expected("at most %d", Integer.MAX_VALUE);
    }
    beginRow(bytes);
    stream.write(Envelopes.inlinePrefix());
    message.writeTo(stream, Envelopes.INLINE_OFFSET);
    endRow(bytes);
  }

  /** Writes what comes before an envelope: a batch of one row, up to its offsets. */
  private void beginRow(long bytes) throws IOException {
    long bodyBytes = ArrowMessage.ALIGNMENT + IpcMessages.aligned(bytes, ArrowMessage.ALIGNMENT);
    stream.write(IpcMessages.batch(1, ONE_ROW, buffers(bytes), bodyBytes, Long.BYTES));
    byte[] offsets = new byte[ArrowMessage.ALIGNMENT];
    ByteBuffer.wrap(offsets).order(ByteOrder.LITTLE_ENDIAN).putInt(0).putInt((int) bytes);
    stream.write(offsets);
  }

  private static List<IpcMessages.BufferRange> buffers(long bytes) {
    IpcMessages.BufferRange validity = new IpcMessages.BufferRange(0, 0);
    return List.of(
        validity,
        validity,
        new IpcMessages.BufferRange(0, 2L * Integer.BYTES),
        new IpcMessages.BufferRange(ArrowMessage.ALIGNMENT, bytes));
  }

  private void endRow(long bytes) throws IOException {
    stream.write(new byte[(int) (IpcMessages.aligned(bytes, ArrowMessage.ALIGNMENT) - bytes)]);
  }
}
