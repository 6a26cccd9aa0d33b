package io.tensorarrow.spark.python.shm;

import io.tensorarrow.spark.python.arrow.ArrowMessage;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.memory.BufferAllocator;

/**
 * A segment with its header page, as {@link SegmentLayout} has it: the identity of the segment, and
 * the words by which JVM and worker synchronise.
 *
 * <p>Owns the segment. The pool makes sure that one thread at a time has it.
 */
public final class SharedSegment implements ArrowMessage.Target, AutoCloseable {
  static final int FIRST_GENERATION = 1;

  private final int id;
  private final Segment segment;
  private final long nonce;
  private volatile int generation;
  private boolean held;
  private boolean closed;
  private long freeSince;

  /**
   * Owns a segment and writes its header.
   *
   * @param id its number in this process, never used again
   * @param nonce a random number, by which workers tell it from other files
   */
  SharedSegment(int id, Segment segment, long nonce) {
    this.id = id;
    this.segment = segment;
    this.nonce = nonce;
    segment
        .bytes(SegmentLayout.NONCE_OFFSET, Long.BYTES)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(nonce);
    segment.setWord(SegmentLayout.MAGIC_OFFSET, SegmentLayout.MAGIC);
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
  SegmentLease lease() {
    // The first one is 1: the words of a new segment are 0. No segment is leased often enough for
    // an overflow.
    generation = Math.incrementExact(generation);
    segment.setWord(SegmentLayout.GENERATION_OFFSET, generation);
    return new SegmentLease(this, generation);
  }

  /** Whether neither the worker nor this process reads the batch any more. */
  synchronized boolean isReleased() {
    return !closed && !held && segment.word(SegmentLayout.RELEASED_OFFSET) == generation;
  }

  /** Keeps the segment from being leased again or closed while this process reads it. */
  synchronized void hold() {
    held = true;
  }

  /** Ends {@link #hold}. */
  synchronized void endHold() {
    held = false;
  }

  public synchronized boolean isHeld() {
    return held;
  }

  /** Marks the segment as dead: workers must not use it again. */
  synchronized void abandon() {
    segment.setWord(SegmentLayout.DEAD_OFFSET, 1);
  }

  /**
   * Returns the first bytes behind the header, which this process {@linkplain #hold holds}.
   *
   * @param release called when the last reference to the buffer is gone
   */
  public ArrowBuf buffer(long length, BufferAllocator allocator, Runnable release) {
    return segment.buffer(SegmentLayout.HEADER_BYTES, length, allocator, release);
  }

  /** Whether the worker has asked for the batch after this one; true of a closed segment. */
  synchronized boolean isSeen() {
    return closed
        || segment.word(SegmentLayout.SEEN_OFFSET) == generation
        || segment.word(SegmentLayout.RELEASED_OFFSET) == generation;
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

  /** Marks the segment as dead, so that workers unmap it, and unmaps it here. */
  @Override
  public synchronized void close() {
    closed = true;
    abandon();
    segment.close();
  }
}
