package io.tensorarrow.spark.model;

import com.google.protobuf.InvalidProtocolBufferException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;
import org.tensorflow.proto.BundleEntryProto;
import org.tensorflow.proto.BundleHeaderProto;

/**
 * A checkpoint's table of contents, {@code variables.index}: tells how long the data files must be
 * at least, so that one that is still being copied is noticed without reading it.
 *
 * <p>The file is a table of LevelDB's kind: blocks of sorted keys, one block with the places of the
 * others, and a footer with the place of that block and a magic number.
 */
final class CheckpointIndex {
  private static final long TABLE_MAGIC = 0xdb4775248b80fb57L;
  private static final int FOOTER_BYTES = 48;
  private static final int MOST_SHARDS = 100_000;

  private final ByteBuffer file;
  private long[] shards = new long[0];
  private long read;

  private CheckpointIndex(ByteBuffer file) {
    this.file = file;
  }

  /** What can be wrong with an index. */
  static final class MalformedException extends Exception {
    private static final long serialVersionUID = 1L;

    MalformedException(String message) {
      super(message);
    }
  }

  private interface EntryReader {
    /** Returns false if it met something compressed. */
    boolean read(boolean isHeader, ByteBuffer value)
        throws MalformedException, InvalidProtocolBufferException;
  }

  /**
   * Reads an index.
   *
   * @param bytes the file
   * @return the least size in bytes of each data file, or empty if the table is compressed, which
   *     TensorFlow can read but does not write
   * @throws MalformedException if it is cut off or no such table
   */
  static Optional<long[]> shardSizes(byte[] bytes) throws MalformedException {
    ByteBuffer file = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    if (bytes.length < FOOTER_BYTES || file.getLong(bytes.length - Long.BYTES) != TABLE_MAGIC) {
      throw new MalformedException("cut off");
    }
    try {
      CheckpointIndex index = new CheckpointIndex(file);
      ByteBuffer footer = file.duplicate().position(bytes.length - FOOTER_BYTES);
      readVarint(footer);
      readVarint(footer);
      boolean plain =
          index.readBlock(footer, (header, handle) -> index.readBlock(handle, index::addEntry));
      if (plain && index.shards.length == 0) {
        throw new MalformedException("damaged");
      }
      return plain ? Optional.of(index.shards) : Optional.empty();
    } catch (BufferUnderflowException
        | IllegalArgumentException
        | ArithmeticException
        | IndexOutOfBoundsException
        | InvalidProtocolBufferException e) {
      throw new MalformedException("damaged");
    }
  }

  private boolean addEntry(boolean isHeader, ByteBuffer value)
      throws MalformedException, InvalidProtocolBufferException {
    if (isHeader) {
      int count = BundleHeaderProto.parseFrom(value).getNumShards();
      if (count < 1 || count > MOST_SHARDS) {
        throw new MalformedException("damaged");
      }
      shards = new long[count];
      return true;
    }
    BundleEntryProto entry = BundleEntryProto.parseFrom(value);
    int shard = entry.getShardId();
    long end = entry.getOffset() + entry.getSize();
    if (shard < 0 || shard >= shards.length || entry.getOffset() < 0 || end < entry.getOffset()) {
      throw new MalformedException("damaged");
    }
    shards[shard] = Math.max(shards[shard], end);
    return true;
  }

  /**
   * Reads a block.
   *
   * @param handle where it begins and how long it is
   * @return false if it is compressed
   */
  private boolean readBlock(ByteBuffer handle, EntryReader reader)
      throws MalformedException, InvalidProtocolBufferException {
    int offset = Math.toIntExact(readVarint(handle));
    int length = Math.toIntExact(readVarint(handle));
    read += length;
    if (length < 0 || read > file.capacity()) {
      // Blocks do not overlap. A table that names one again and again would take for ever.
      throw new MalformedException("damaged");
    }
    if (file.get(Math.addExact(offset, length)) != 0) {
      return false;
    }
    ByteBuffer block = file.duplicate().order(ByteOrder.LITTLE_ENDIAN);
    block.position(offset).limit(offset + length);
    int restarts = block.getInt(offset + length - Integer.BYTES);
    // Behind the entries lie the places of those whose key is whole, and how many there are.
    block.limit(offset + length - Math.multiplyExact(Math.addExact(restarts, 1), Integer.BYTES));
    int keyLength = 0;
    while (block.hasRemaining()) {
      int shared = Math.toIntExact(readVarint(block));
      int unshared = Math.toIntExact(readVarint(block));
      int size = Math.toIntExact(readVarint(block));
      if (shared < 0 || shared > keyLength || unshared < 0 || unshared > block.remaining()) {
        throw new MalformedException("damaged");
      }
      // Only the header's key is empty; what is in the others does not matter.
      keyLength = shared + unshared;
      block.position(block.position() + unshared);
      ByteBuffer value = block.slice(block.position(), size);
      block.position(block.position() + size);
      if (!reader.read(keyLength == 0, value)) {
        return false;
      }
    }
    return true;
  }

  private static long readVarint(ByteBuffer buffer) throws MalformedException {
    long value = 0;
    for (int shift = 0; shift < Long.SIZE; shift += 7) {
      byte next = buffer.get();
      value |= (next & 0x7fL) << shift;
      if (next >= 0) {
        return value;
      }
    }
    throw new MalformedException("damaged");
  }
}
