package io.tensorarrow.spark.model.variables;

import io.tensorarrow.spark.model.savedmodel.Checksum;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.zip.CRC32C;

/**
 * How a checkpoint holds strings: the length of each as a varint, four bytes of checksum of the
 * lengths, and the bytes of all of them.
 */
final class StoredStrings {
  private StoredStrings() {}

  /**
   * Returns the checksum of strings: that of their lengths as numbers of fixed size and of the
   * rest.
   *
   * @param bytes strings as they are stored
   * @param count how many they are
   * @throws BufferUnderflowException if these are no strings
   */
  static int checksum(byte[] bytes, long count) {
    ByteBuffer stored = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    ByteBuffer length = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    CRC32C crc = new CRC32C();
    long totalLength = 0;
    for (long i = 0; i < count; i++) {
      long nextLength = readVarint(stored);
      totalLength += nextLength;
      length.clear();
      crc.update(
          (nextLength >>> Integer.SIZE == 0
                  ? length.putInt((int) nextLength)
                  : length.putLong(nextLength))
              .flip());
    }
    int checksumOfLengths = stored.getInt();
    if (checksumOfLengths != Checksum.of(crc) || totalLength != stored.remaining()) {
      throw new BufferUnderflowException();
    }
    crc.update(bytes, stored.position() - Integer.BYTES, Integer.BYTES);
    crc.update(stored);
    return Checksum.of(crc);
  }

  /** Returns the bytes of the only string. */
  static ByteBuffer only(byte[] bytes) {
    ByteBuffer stored = ByteBuffer.wrap(bytes);
    readVarint(stored);
    return stored.position(stored.position() + Integer.BYTES);
  }

  private static long readVarint(ByteBuffer buffer) {
    long value = 0;
    for (int shift = 0; shift < Long.SIZE; shift += 7) {
      byte next = buffer.get();
      value |= (next & 0x7fL) << shift;
      if (next >= 0) {
        return value;
      }
    }
    throw new BufferUnderflowException();
  }
}
