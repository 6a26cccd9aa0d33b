package io.tensorarrow.spark.python.worker;

import io.tensorarrow.spark.python.arrow.ArrowMessage;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import org.apache.arrow.vector.types.pojo.ArrowType;
import org.apache.arrow.vector.types.pojo.Field;
import org.apache.arrow.vector.types.pojo.FieldType;

/**
 * The bytes of envelopes, version 1, and the sizes of replies: the only place in Java that knows
 * them. The package's description explains the protocol; {@code tensorarrow._envelopes} is its
 * other side, and both are tested against the same bytes.
 */
final class Envelopes {
  /** The one column's name, by which the worker knows the protocol and its version. */
  static final String COLUMN_NAME = "tensorarrow/1";

  /** The one column of a stream of envelopes. */
  static final Field COLUMN =
      new Field(COLUMN_NAME, FieldType.notNullable(ArrowType.Binary.INSTANCE), null);

  /** Where an inline batch begins: its buffers are aligned if the envelope is. */
  static final int INLINE_OFFSET = ArrowMessage.ALIGNMENT;

  static final int REPLY_HEADER_BYTES = 4 * Integer.BYTES + Long.BYTES;
  static final int REPLY_COLUMN_BYTES = 2 * Integer.BYTES + 2 * Long.BYTES;
  static final int REPLY_LEASE_BYTES = 2 * Integer.BYTES;

  private static final int KIND_SCHEMA = 1;
  private static final int KIND_HANDLE = 2;
  private static final int KIND_INLINE = 3;
  private static final int KIND_IN_PLACE = 4;

  /** Where the schema's message begins, which wants 8 bytes. */
  private static final int SCHEMA_OFFSET = Long.BYTES;

  private static final int HANDLE_BYTES = 6 * Integer.BYTES + 4 * Long.BYTES;

  private Envelopes() {}

  /**
   * Returns the first envelope.
   *
   * @param message the Arrow IPC message of the batches' schema
   */
  static byte[] schema(byte[] message) {
    byte[] envelope = new byte[SCHEMA_OFFSET + message.length];
    startEnvelope(envelope, KIND_SCHEMA).position(SCHEMA_OFFSET).put(message);
    return envelope;
  }

  /** Returns the envelope of a batch in a segment. */
  static byte[] handle(SegmentHandle handle) {
    byte[] envelope = new byte[HANDLE_BYTES];
    putHandle(startEnvelope(envelope, KIND_HANDLE), handle);
    return envelope;
  }

  /** Returns what comes before the batch in an envelope that holds the batch itself. */
  static byte[] inlinePrefix() {
    byte[] prefix = new byte[INLINE_OFFSET];
    startEnvelope(prefix, KIND_INLINE);
    return prefix;
  }

  /**
   * Returns the envelope of a tensor in a segment of its own.
   *
   * @param dims the tensor's shape, rows first
   */
  static byte[] inPlace(SegmentHandle handle, List<Long> dims) {
    byte[] envelope = new byte[HANDLE_BYTES + dims.size() * Long.BYTES];
    ByteBuffer message = startEnvelope(envelope, KIND_IN_PLACE);
    putHandle(message, handle);
    dims.forEach(message::putLong);
    return envelope;
  }

  private static ByteBuffer startEnvelope(byte[] envelope, int kind) {
    return ByteBuffer.wrap(envelope).order(ByteOrder.LITTLE_ENDIAN).putInt(kind);
  }

  private static void putHandle(ByteBuffer message, SegmentHandle handle) {
    message
        .putInt(handle.pid())
        .putInt(handle.descriptor())
        .putInt(handle.segment())
        .putInt(handle.generation())
        .putInt(handle.ordinal())
        .putLong(handle.size())
        .putLong(handle.offset())
        .putLong(handle.length())
        .putLong(handle.nonce());
  }
}
