package io.tensorarrow.spark.python.shm;

/**
 * The layout of a segment, in bytes. The package's description says who writes what, and when;
 * {@code tensorarrow._segments} has the same offsets.
 *
 * <p>Words are int32 in the machine's byte order. Those that one side writes while the other reads
 * have a cache line each.
 */
public final class SegmentLayout {
  /** The size of the header, which has a page of its own, the only one that workers may write. */
  public static final int HEADER_BYTES = 4096;

  /** {@code TAS1} in ASCII, little-endian. */
  static final int MAGIC = 0x31534154;

  static final int MAGIC_OFFSET = 0;
  static final int GENERATION_OFFSET = 4;

  /** Where the nonce is, an int64, little-endian. */
  static final int NONCE_OFFSET = 8;

  static final int RELEASED_OFFSET = 64;
  static final int SEEN_OFFSET = 128;
  static final int DEAD_OFFSET = 192;

  private SegmentLayout() {}
}
