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
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.zip.CRC32C;
import org.tensorflow.proto.BundleEntryProto;
import org.tensorflow.proto.BundleHeaderProto;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.TensorShapeProto;
import org.tensorflow.proto.TensorSliceProto;
import org.tensorflow.proto.TrackableObjectGraphOuterClass.TrackableObjectGraph;
import org.tensorflow.proto.TrackableObjectGraphOuterClass.TrackableObjectGraph.TrackableObject;
import org.tensorflow.proto.VersionDef;

/**
 * Writes the variables of a SavedModel as TensorFlow does: data files, and an index that is a table
 * of LevelDB's kind with one uncompressed block.
 */
public final class CheckpointWriter {
  private static final long TABLE_MAGIC = 0xdb4775248b80fb57L;
  private static final int FOOTER_HANDLES_BYTES = 40;
  private static final int CRC_MASK = 0xa282ead8;

  // Keys are bytes, and parts of variables have keys that are no text: one character for each.
  private final SortedMap<String, BundleEntryProto> entries = new TreeMap<>();
  private final List<ByteArrayOutputStream> shards = new ArrayList<>();
  private final BundleHeaderProto.Builder header =
      BundleHeaderProto.newBuilder().setVersion(VersionDef.newBuilder().setProducer(1));

  /** Begins with one data file. */
  public CheckpointWriter() {
    shard();
  }

  /** Begins the next data file. */
  public CheckpointWriter shard() {
    shards.add(new ByteArrayOutputStream());
    return this;
  }

  /** Says that the elements are in big-endian order. */
  public CheckpointWriter bigEndian() {
    header.setEndianness(BundleHeaderProto.Endianness.BIG);
    return this;
  }

  /** Adds a float32 variable of the given shape. */
  public CheckpointWriter add(String name, float[] values, long... dims) {
    ByteBuffer bytes =
        ByteBuffer.allocate(values.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(values);
    return add(name, DataType.DT_FLOAT, bytes.array(), dims);
  }

  /** Adds a variable of the given dtype and shape, of these bytes. */
  public CheckpointWriter add(String name, DataType dtype, byte[] bytes, long... dims) {
    return addStored(key(name), dtype, bytes, maskedCrc(bytes), dims);
  }

  /** Adds a variable of strings. */
  public CheckpointWriter addStrings(String name, List<String> strings, long... dims) {
    return addStrings(name, strings.stream().map(ByteString::copyFromUtf8).toList(), dims);
  }

  private CheckpointWriter addStrings(String name, Collection<ByteString> strings, long... dims) {
    ByteArrayOutputStream stored = new ByteArrayOutputStream();
    ByteArrayOutputStream checked = new ByteArrayOutputStream();
    for (ByteString string : strings) {
      writeVarint(stored, string.size());
      checked.writeBytes(fixed32(string.size()));
    }
    byte[] ofLengths = fixed32(maskedCrc(checked.toByteArray()));
    for (ByteArrayOutputStream out : List.of(stored, checked)) {
      out.writeBytes(ofLengths);
      strings.forEach(string -> out.writeBytes(string.toByteArray()));
    }
    byte[] bytes = stored.toByteArray();
    return addStored(key(name), DataType.DT_STRING, bytes, maskedCrc(checked.toByteArray()), dims);
  }

  /**
   * Adds the graph of objects, which tells what the variables are called.
   *
   * @param names the names by key
   */
  public CheckpointWriter names(Map<String, String> names) {
    TrackableObject.Builder node = TrackableObject.newBuilder();
    names.forEach(
        (key, name) ->
            node.addAttributesBuilder()
                .setName("VARIABLE_VALUE")
                .setCheckpointKey(key)
                .setFullName(name));
    ByteString graph = TrackableObjectGraph.newBuilder().addNodes(node).build().toByteString();
    return addStrings("_CHECKPOINTABLE_OBJECT_GRAPH", Set.of(graph));
  }

  /**
   * Adds a variable whose elements are those of its parts.
   *
   * @param slices the parts, which are added under keys of their own
   */
  public CheckpointWriter addParted(
      String name, DataType dtype, List<TensorSliceProto> slices, long... dims) {
    entries.put(
        key(name),
        BundleEntryProto.newBuilder()
            .setDtype(dtype)
            .setShape(shape(dims))
            .addAllSlices(slices)
            .build());
    return this;
  }

  /**
   * Adds elements under a key that is no name.
   *
   * @param key its bytes, one character for each
   */
  public CheckpointWriter addRaw(String key, DataType dtype, byte[] bytes, long... dims) {
    return addStored(key, dtype, bytes, maskedCrc(bytes), dims);
  }

  /** Changes what the index says of a variable. */
  public CheckpointWriter change(String name, Consumer<BundleEntryProto.Builder> change) {
    entries.computeIfPresent(
        key(name),
        (key, entry) -> {
          BundleEntryProto.Builder builder = entry.toBuilder();
          change.accept(builder);
          return builder.build();
        });
    return this;
  }

  private CheckpointWriter addStored(
      String key, DataType dtype, byte[] bytes, int crc, long... dims) {
    ByteArrayOutputStream data = shards.get(shards.size() - 1);
    entries.put(
        key,
        BundleEntryProto.newBuilder()
            .setDtype(dtype)
            .setShape(shape(dims))
            .setShardId(shards.size() - 1)
            .setOffset(data.size())
            .setSize(bytes.length)
            .setCrc32C(crc)
            .build());
    data.writeBytes(bytes);
    return this;
  }

  private static TensorShapeProto shape(long... dims) {
    TensorShapeProto.Builder shape = TensorShapeProto.newBuilder();
    for (long dim : dims) {
      shape.addDim(TensorShapeProto.Dim.newBuilder().setSize(dim));
    }
    return shape.build();
  }

  private static String key(String name) {
    return new String(name.getBytes(StandardCharsets.UTF_8), StandardCharsets.ISO_8859_1);
  }

  /** Writes {@code variables/variables.*} below the SavedModel's directory. */
  public void write(Path directory) {
    try {
      Path variables = Files.createDirectories(directory.resolve("variables"));
      for (int i = 0; i < shards.size(); i++) {
        Files.write(
            variables.resolve(
                String.format(Locale.ROOT, "variables.data-%05d-of-%05d", i, shards.size())),
            shards.get(i).toByteArray());
      }
      Files.write(variables.resolve("variables.index"), index());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private byte[] index() {
    SortedMap<String, ByteString> table = new TreeMap<>();
    table.put("", header.setNumShards(shards.size()).build().toByteString());
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
          byte[] key = name.getBytes(StandardCharsets.ISO_8859_1);
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
