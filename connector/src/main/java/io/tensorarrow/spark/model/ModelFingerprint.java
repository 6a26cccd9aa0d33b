package io.tensorarrow.spark.model;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitOption;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;

/**
 * What a model's files are, in one word: {@code sha256:<hex>}.
 *
 * <p>It covers the content of {@code saved_model.pb}, of {@code variables/variables.index} and of
 * all files below {@code assets}, and the names and sizes of the variables' data shards. The shards
 * may be large and are not read: the index holds a checksum of each variable, which TensorFlow
 * verifies when it restores them. Times are left out, so that copies of a model on several hosts
 * have one fingerprint.
 */
final class ModelFingerprint {
  private static final int BUFFER_BYTES = 1 << 16;

  private final MessageDigest digest = sha256();

  private ModelFingerprint() {}

  /**
   * Computes the fingerprint.
   *
   * @param directory the SavedModel's directory
   * @param savedModel the bytes of its {@code saved_model.pb} as they were parsed
   * @throws IOException if a file can't be read
   */
  static String of(Path directory, byte[] savedModel) throws IOException {
    ModelFingerprint fingerprint = new ModelFingerprint();
    fingerprint.add(SavedModelLayout.PROTO, savedModel.length);
    fingerprint.digest.update(savedModel);
    Path index = SavedModelLayout.index(directory);
    if (Files.isRegularFile(index)) {
      fingerprint.addContent(directory, index);
    }
    for (Path shard : SavedModelLayout.shards(directory)) {
      fingerprint.add(name(directory, shard), Files.size(shard));
    }
    for (Path asset : files(SavedModelLayout.assets(directory))) {
      fingerprint.addContent(directory, asset);
    }
    return "sha256:" + HexFormat.of().formatHex(fingerprint.digest.digest());
  }

  /** Adds a file's name and size; they also mark off one file's content from the next. */
  private void add(String name, long size) {
    byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
    digest.update(ByteBuffer.allocate(Integer.BYTES).putInt(bytes.length).flip());
    digest.update(bytes);
    digest.update(ByteBuffer.allocate(Long.BYTES).putLong(size).flip());
  }

  private void addContent(Path directory, Path file) throws IOException {
    add(name(directory, file), Files.size(file));
    byte[] buffer = new byte[BUFFER_BYTES];
    try (InputStream in = Files.newInputStream(file)) {
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        digest.update(buffer, 0, n);
      }
    }
  }

  private static String name(Path directory, Path file) {
    return directory.relativize(file).toString();
  }

  private static List<Path> files(Path root) throws IOException {
    if (!Files.isDirectory(root)) {
      return List.of();
    }
    try (Stream<Path> walk = Files.walk(root, FileVisitOption.FOLLOW_LINKS)) {
      return walk.filter(Files::isRegularFile).sorted().toList();
    }
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }
}
