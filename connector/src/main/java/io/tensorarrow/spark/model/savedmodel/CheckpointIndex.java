package io.tensorarrow.spark.model.savedmodel;

import com.google.protobuf.InvalidProtocolBufferException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;
import org.tensorflow.proto.BundleEntryProto;
import org.tensorflow.proto.BundleHeaderProto;

/**
 * A checkpoint's table of contents, {@code variables.index}: says where each tensor is, and so how
 * long the data files must be at least: one that is still being copied is noticed without reading
 * it.
 *
 * <p>The file is a table of LevelDB's kind: blocks of sorted keys, one block with the places of the
 * others, and a footer with the place of that block and a magic number.
 */
public final class CheckpointIndex {
  private static final long TABLE_MAGIC = 0xdb4775248b80fb57L;
  private static final int FOOTER_BYTES = 48;
  private static final int MAX_SHARDS = 100_000;

  private final ByteBuffer file;
  private final Visitor visitor;
  private long[] shards = new long[0];
  private long read;

  private CheckpointIndex(ByteBuffer file, Visitor visitor) {
    this.file = file;
    this.visitor = visitor;
  }

  /** Is called with what the table holds. */
  public interface Visitor {
    /** Called once, before any entry. */
    void header(BundleHeaderProto header);

    /**
     * Takes what is known of one tensor. Its place is inside a data file that there is.
     *
     * @param key its name, which for a part of a tensor is no text; valid during this call
     */
    void entry(ByteBuffer key, BundleEntryProto entry);
  }

  private static final class NoVisitor implements Visitor {
    @Override
    public void header(BundleHeaderProto header) {
      // It was checked, which is all that is asked.
    }

    @Override
    public void entry(ByteBuffer key, BundleEntryProto entry) {
      // The sizes are kept in any case.
    }
  }

  /** What can be wrong with an index. */
  public static final class MalformedException extends Exception {
    private static final long serialVersionUID = 1L;

    MalformedException(String message) {
      super(message);
    }
  }

  private interface EntryReader {
    /** Returns false if it met something compressed. */
    boolean read(ByteBuffer key, ByteBuffer value)
        throws MalformedException, InvalidProtocolBufferException;
  }

  /**
   * Reads an index for the sizes alone.
   *
   * @throws MalformedException as {@link #read}
   */
  static Optional<long[]> shardSizes(byte[] bytes) throws MalformedException {
    return read(bytes, new NoVisitor());
  }

  /**
   * Reads an index.
   *
   * @param bytes the file
   * @param visitor told of the header and then of each tensor, in the order of their keys
   * @return the least size in bytes of each data file, or empty if the table is compressed, which
   *     TensorFlow can read but does not write
   * @throws MalformedException if it is cut off, damaged or no such table
   */
  public static Optional<long[]> read(byte[] bytes, Visitor visitor) throws MalformedException {
    ByteBuffer file = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    if (bytes.length < FOOTER_BYTES || file.getLong(bytes.length - Long.BYTES) != TABLE_MAGIC) {
      throw new MalformedException("cut off");
    }
    try {
      CheckpointIndex index = new CheckpointIndex(file, visitor);
      ByteBuffer footer = file.duplicate().position(bytes.length - FOOTER_BYTES);
      readVarint(footer);
      readVarint(footer);
      boolean plain =
          index.readBlock(footer, (key, handle) -> index.readBlock(handle, index::addEntry));
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

  private boolean addEntry(ByteBuffer key, ByteBuffer value)
      throws MalformedException, InvalidProtocolBufferException {
    // Only the header's key is empty.
    if (!key.hasRemaining()) {
      BundleHeaderProto header = BundleHeaderProto.parseFrom(value);
      int count = header.getNumShards();
      if (count < 1 || count > MAX_SHARDS) {
        throw new MalformedException("damaged");
      }
      shards = new long[count];
      visitor.header(header);
      return true;
    }
    BundleEntryProto entry = BundleEntryProto.parseFrom(value);
    int shard = entry.getShardId();
    long end = entry.getOffset() + entry.getSize();
    if (shard < 0 || shard >= shards.length || entry.getOffset() < 0 || end < entry.getOffset()) {
      throw new MalformedException("damaged");
    }
    shards[shard] = Math.max(shards[shard], end);
    visitor.entry(key, entry);
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
      // Blocks do not overlap. A table that names one many times would take very long to read.
      throw new MalformedException("damaged");
    }
    byte compression = file.get(Math.addExact(offset, length));
    ByteBuffer checked = file.slice(offset, length + 1);
    if (file.getInt(offset + length + 1) != Checksum.of(checked)) {
      throw new MalformedException("damaged");
    }
    if (compression != 0) {
      return false;
    }
    ByteBuffer block = file.duplicate().order(ByteOrder.LITTLE_ENDIAN);
    block.position(offset).limit(offset + length);
    int restarts = block.getInt(offset + length - Integer.BYTES);
    // After the entries come the offsets of those with a complete key, and how many there are.
    block.limit(offset + length - Math.multiplyExact(Math.addExact(restarts, 1), Integer.BYTES));
    byte[] key = new byte[block.remaining()];
    int keyLength = 0;
    while (block.hasRemaining()) {
      int shared = Math.toIntExact(readVarint(block));
      int unshared = Math.toIntExact(readVarint(block));
      int size = Math.toIntExact(readVarint(block));
      if (shared < 0 || shared > keyLength || unshared < 0 || unshared > block.remaining()) {
        throw new MalformedException("damaged");
      }
      keyLength = shared + unshared;
      block.get(key, shared, unshared);
      ByteBuffer value = block.slice(block.position(), size);
      block.position(block.position() + size);
      if (!reader.read(ByteBuffer.wrap(key, 0, keyLength), value)) {
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
