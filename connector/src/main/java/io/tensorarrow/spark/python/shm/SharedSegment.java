package io.tensorarrow.spark.python.shm;

import io.tensorarrow.spark.python.arrow.ArrowMessage;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.security.SecureRandom;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.memory.BufferAllocator;

/**
 * A segment with its header page, as the package's description lays it out: whom it belongs to, and
 * the words by which JVM and worker tell each other how far they are.
 *
 * <p>Owns the segment. The pool sees to it that one thread at a time has it.
 */
public final class SharedSegment implements ArrowMessage.Target, AutoCloseable {
  /** The header has a page of its own, which alone workers map to write. */
  public static final int HEADER_BYTES = 4096;

  static final int MAGIC = 0x31534154;

  static final int FIRST_GENERATION = 1;

  private static final int AT_MAGIC = 0;
  private static final int AT_GENERATION = 4;
  private static final int AT_NONCE = 8;
  private static final int AT_RELEASED = 64;
  private static final int AT_SEEN = 128;
  private static final int AT_DEAD = 192;

  private static final SecureRandom RANDOM = new SecureRandom();

  private final int id;
  private final Segment segment;
  private final long nonce = RANDOM.nextLong();
  private volatile int generation;
  private boolean held;
  private boolean closed;
  private long freeSince;

  /**
   * Takes a segment over and writes its header.
   *
   * @param id its number in this process, never used again
   */
  SharedSegment(int id, Segment segment) {
    this.id = id;
    this.segment = segment;
    segment.bytes(AT_NONCE, Long.BYTES).order(ByteOrder.LITTLE_ENDIAN).putLong(nonce);
    segment.setWord(AT_MAGIC, MAGIC);
  }

  public int id() {
    return id;
  }

  public int descriptor() {
    return segment.descriptor();
  }

  public long nonce() {
    return nonce;
  }

  public long size() {
    return segment.size();
  }

  int generation() {
    return generation;
  }

  /** Leases the segment under the next generation, by which the worker knows the lease. */
  SegmentLease lend() {
    // Zero is what the words of a new segment hold. No segment is lent so often that this ends.
    generation = Math.incrementExact(generation);
    segment.setWord(AT_GENERATION, generation);
    return new SegmentLease(this, generation);
  }

  /** Whether neither the worker nor this process looks at the batch any more. */
  synchronized boolean isReleased() {
    return !closed && !held && segment.word(AT_RELEASED) == generation;
  }

  /** Keeps the segment from being lent again or closed while this process reads it. */
  synchronized void hold() {
    held = true;
  }

  /** Ends {@link #hold}. */
  synchronized void letGo() {
    held = false;
  }

  public synchronized boolean isHeld() {
    return held;
  }

  /** Tells workers that the segment will not be used again. */
  synchronized void abandon() {
    segment.setWord(AT_DEAD, 1);
  }

  /** Returns part of it, which this process holds, as Arrow's buffer. */
  public ArrowBuf buffer(long length, BufferAllocator allocator, Runnable release) {
    return segment.buffer(HEADER_BYTES, length, allocator, release);
  }

  /** Whether the worker has asked for the batch after this one; true of a closed segment. */
  synchronized boolean isSeen() {
    return closed || segment.word(AT_SEEN) == generation || segment.word(AT_RELEASED) == generation;
  }

  void markFree() {
    freeSince = System.nanoTime();
  }

  long freeSince() {
    return freeSince;
  }

  /** Returns a view of part of it, header included, in the machine's byte order. */
  public ByteBuffer bytes(long offset, long length) {
    return segment.bytes(offset, length);
  }

  @Override
  public void write(long offset, byte[] bytes, int length) {
    bytes(offset, length).put(bytes, 0, length);
  }

  @Override
  public void write(long offset, ArrowBuf buffer) {
    segment.write(offset, buffer);
  }

  /** Tells workers to forget their mapping, and ends this process's. */
  @Override
  public synchronized void close() {
    closed = true;
    abandon();
    segment.close();
  }
}
