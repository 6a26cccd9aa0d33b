package io.tensorarrow.spark.model.variables;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.tensorflow.proto.TensorSliceProto;

/**
 * Under which key a checkpoint holds a part of a variable: TensorFlow's {@code
 * EncodeTensorNameSlice}, in the ordered code of LevelDB's makers. Keys are bytes, here one
 * character for each.
 */
final class PartKey {
  private static final int SIGNED_BYTES = 10;
  private static final int BITS_PER_BYTE = 7;

  private PartKey() {}

  /** Returns whether a key is that of a part; no name begins so. */
  static boolean isPart(String key) {
    return key.startsWith("\0");
  }

  /**
   * Returns the key of a part.
   *
   * @param key the key of the variable
   * @param slice which part of it
   */
  static String of(String key, TensorSliceProto slice) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    writeNumber(out, 0);
    writeText(out, key.getBytes(StandardCharsets.ISO_8859_1));
    writeNumber(out, slice.getExtentCount());
    for (TensorSliceProto.Extent extent : slice.getExtentList()) {
      writeSigned(out, extent.getStart());
      // Without a length it is as long as the variable.
      writeSigned(out, extent.hasLength() ? extent.getLength() : -1);
    }
    return out.toString(StandardCharsets.ISO_8859_1);
  }

  private static void writeNumber(ByteArrayOutputStream out, int number) {
    int length = (Integer.SIZE - Integer.numberOfLeadingZeros(number) + 7) / Byte.SIZE;
    out.write(length);
    for (int i = length - 1; i >= 0; i--) {
      out.write(number >>> (i * Byte.SIZE));
    }
  }

  private static void writeText(ByteArrayOutputStream out, byte[] text) {
    for (byte value : text) {
      out.write(value);
      if (value == 0) {
        out.write(0xff);
      } else if (value == -1) {
        out.write(0);
      }
    }
    out.write(0);
    out.write(1);
  }

  /** Writes seven bits in each byte; as many bits as there are bytes tell so at the beginning. */
  private static void writeSigned(ByteArrayOutputStream out, long number) {
    long magnitude = number < 0 ? ~number : number;
    int bits = Long.SIZE - Long.numberOfLeadingZeros(magnitude);
    int length = bits / BITS_PER_BYTE + 1;
    ByteBuffer bytes = ByteBuffer.allocate(SIGNED_BYTES);
    bytes.putShort((short) (number < 0 ? -1 : 0)).putLong(number);
    // The header's ones, over the ten bytes' first two.
    int header = (0xffff << (16 - length)) & 0xffff;
    int begin = SIGNED_BYTES - length;
    bytes.put(begin, (byte) (bytes.get(begin) ^ (header >>> Byte.SIZE)));
    if (length > 1) {
      bytes.put(begin + 1, (byte) (bytes.get(begin + 1) ^ header));
    }
    out.write(bytes.array(), begin, length);
  }
}
