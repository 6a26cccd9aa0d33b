package io.tensorarrow.spark.tensor.fetch;

import org.apache.spark.unsafe.Platform;

/** Checks native memory for text, as Unicode's table 3-7 of well-formed UTF-8 says. */
final class Utf8 {
  private static final long HIGH_BITS = 0x8080808080808080L;

  private Utf8() {}

  /** Returns whether all bytes are below 128. */
  static boolean isAscii(long address, long size) {
    return asciiPrefix(address, size) == size;
  }

  /** Returns whether the bytes are whole code points, in shortest form and without surrogates. */
  static boolean isValid(long address, long size) {
    long end = address + size;
    long position = address + asciiPrefix(address, size);
    while (position < end) {
      int length = sequence(position, end);
      if (length == 0) {
        return false;
      }
      position += length;
      if (length == 1) {
        position += asciiPrefix(position, end - position);
      }
    }
    return true;
  }

  /** Returns how many bytes at the beginning are certainly below 128; all, if all are. */
  private static long asciiPrefix(long address, long size) {
    long position = 0;
    while (position + Long.BYTES <= size
        && (Platform.getLong(null, address + position) & HIGH_BITS) == 0) {
      position += Long.BYTES;
    }
    while (position < size && Platform.getByte(null, address + position) >= 0) {
      position++;
    }
    return position;
  }

  /** Returns the number of bytes of the code point at an address, 0 if there is none. */
  private static int sequence(long position, long end) {
    int first = Byte.toUnsignedInt(Platform.getByte(null, position));
    if (first < 0x80) {
      return 1;
    }
    int length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if (first < 0xc2 || first > 0xf4 || end - position < length) {
      return 0;
    }
    int second = Byte.toUnsignedInt(Platform.getByte(null, position + 1));
    int low =
        switch (first) {
          case 0xe0 -> 0xa0;
          case 0xf0 -> 0x90;
          default -> 0x80;
        };
    int high =
        switch (first) {
          case 0xed -> 0x9f;
          case 0xf4 -> 0x8f;
          default -> 0xbf;
        };
    boolean valid = low <= second && second <= high;
    for (int i = 2; i < length; i++) {
      valid &= (Platform.getByte(null, position + i) & 0xc0) == 0x80;
    }
    return valid ? length : 0;
  }
}
