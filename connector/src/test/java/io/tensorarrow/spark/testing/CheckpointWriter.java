package io.tensorarrow.spark.testing;

import com.google.protobuf.ByteString;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.zip.CRC32C;
import org.tensorflow.proto.BundleEntryProto;
import org.tensorflow.proto.BundleHeaderProto;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.TensorShapeProto;
import org.tensorflow.proto.VersionDef;

/**
 * Writes the variables of a SavedModel as TensorFlow does: one data file, and an index that is a
 * table of LevelDB's kind with one uncompressed block.
 */
final class CheckpointWriter {
  private static final long TABLE_MAGIC = 0xdb4775248b80fb57L;
  private static final int FOOTER_HANDLES_BYTES = 40;
  private static final int CRC_MASK = 0xa282ead8;

  private final SortedMap<String, BundleEntryProto> entries = new TreeMap<>();
  private final ByteArrayOutputStream data = new ByteArrayOutputStream();

  /** Adds a float32 variable of the given shape. */
  CheckpointWriter add(String name, float[] values, long... dims) {
    ByteBuffer bytes =
        ByteBuffer.allocate(values.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(values);
    TensorShapeProto.Builder shape = TensorShapeProto.newBuilder();
    for (long dim : dims) {
      shape.addDim(TensorShapeProto.Dim.newBuilder().setSize(dim));
    }
    entries.put(
        name,
        BundleEntryProto.newBuilder()
            .setDtype(DataType.DT_FLOAT)
            .setShape(shape)
            .setOffset(data.size())
            .setSize(bytes.capacity())
            .setCrc32C(maskedCrc(bytes.array()))
            .build());
    data.writeBytes(bytes.array());
    return this;
  }

  /** Writes {@code variables/variables.*} below the SavedModel's directory. */
  void write(Path directory) {
    try {
      Path variables = Files.createDirectories(directory.resolve("variables"));
      Files.write(variables.resolve("variables.data-00000-of-00001"), data.toByteArray());
      Files.write(variables.resolve("variables.index"), index());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private byte[] index() {
    SortedMap<String, ByteString> table = new TreeMap<>();
    table.put(
        "",
        BundleHeaderProto.newBuilder()
            .setNumShards(1)
            .setVersion(VersionDef.newBuilder().setProducer(1))
            .build()
            .toByteString());
    entries.forEach((name, entry) -> table.put(name, entry.toByteString()));

    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteString dataHandle = writeBlock(out, block(table));
    ByteString metaHandle = writeBlock(out, block(Map.of()));
    ByteString indexHandle = writeBlock(out, block(Map.of(table.lastKey() + "~", dataHandle)));

    ByteBuffer footer =
        ByteBuffer.allocate(FOOTER_HANDLES_BYTES + Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    footer.put(metaHandle.toByteArray()).put(indexHandle.toByteArray());
    footer.putLong(FOOTER_HANDLES_BYTES, TABLE_MAGIC);
    out.writeBytes(footer.array());
    return out.toByteArray();
  }

  /**
   * Writes a block of sorted keys, each one a restart point, so that no key leaves out what it
   * shares with the last.
   */
  private static byte[] block(Map<String, ByteString> entries) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream restarts = new ByteArrayOutputStream();
    entries.forEach(
        (name, value) -> {
          restarts.writeBytes(fixed32(out.size()));
          byte[] key = name.getBytes(StandardCharsets.UTF_8);
          writeVarint(out, 0);
          writeVarint(out, key.length);
          writeVarint(out, value.size());
          out.writeBytes(key);
          out.writeBytes(value.toByteArray());
        });
    int count = Math.max(1, entries.size());
    out.writeBytes(entries.isEmpty() ? fixed32(0) : restarts.toByteArray());
    out.writeBytes(fixed32(count));
    return out.toByteArray();
  }

  /** Appends a block with its trailer and returns its handle. */
  private static ByteString writeBlock(ByteArrayOutputStream out, byte[] block) {
    ByteArrayOutputStream handle = new ByteArrayOutputStream();
    writeVarint(handle, out.size());
    writeVarint(handle, block.length);
    byte[] uncompressed = ByteBuffer.allocate(block.length + 1).put(block).put((byte) 0).array();
    out.writeBytes(uncompressed);
    out.writeBytes(fixed32(maskedCrc(uncompressed)));
    return ByteString.copyFrom(handle.toByteArray());
  }

  private static void writeVarint(ByteArrayOutputStream out, int value) {
    int rest = value;
    while (rest >= 0x80) {
      out.write(rest | 0x80);
      rest >>>= 7;
    }
    out.write(rest);
  }

  private static byte[] fixed32(int value) {
    return ByteBuffer.allocate(Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN).putInt(value).array();
  }

  private static int maskedCrc(byte[] bytes) {
    CRC32C crc = new CRC32C();
    crc.update(bytes);
    return Integer.rotateRight((int) crc.getValue(), 15) + CRC_MASK;
  }
}
