package io.tensorarrow.spark.model.savedmodel;

import java.nio.ByteBuffer;
import java.util.zip.CRC32C;

/** The checksums of checkpoints: CRC-32C, masked as TensorFlow does it. */
public final class Checksum {
  private static final int MASK = 0xa282ead8;

  private Checksum() {}

  /** Returns the checksum of what remains in a buffer. */
  public static int of(ByteBuffer bytes) {
    CRC32C crc = new CRC32C();
    crc.update(bytes);
    return of(crc);
  }

  /** Returns the checksum of all that was fed so far. */
  public static int of(CRC32C crc) {
    // A file of checksums would otherwise have a checksum that says little.
    return Integer.rotateRight((int) crc.getValue(), 15) + MASK;
  }
}
