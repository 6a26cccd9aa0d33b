package io.tensorarrow.spark.model.savedmodel;

import io.tensorarrow.spark.model.store.ModelEntry;
import io.tensorarrow.spark.model.store.ModelFiles;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Optional;

/**
 * Identifies the content of a model's files: {@code sha256:<hex>}.
 *
 * <p>It covers the content of {@code saved_model.pb}, of {@code variables/variables.index} and of
 * all files below {@code assets}, and the names and sizes of the variables' data shards, with their
 * times on a file system that all hosts share. The shards may be large and are not read: the index
 * holds a checksum of each variable, which TensorFlow verifies when it restores them. Times of
 * local files are left out, so that copies of a model on several hosts have one fingerprint.
 */
public final class ModelFingerprint {
  private static final int BUFFER_BYTES = 1 << 16;

  private final MessageDigest digest = sha256();

  private ModelFingerprint() {}

  /**
   * Computes the fingerprint.
   *
   * @param files the SavedModel's files, found to be complete
   * @param savedModel the bytes of its {@code saved_model.pb} as they were parsed
   * @throws IOException if a file can't be read
   */
  static String of(ModelFiles files, byte[] savedModel) throws IOException {
    ModelFingerprint fingerprint = new ModelFingerprint();
    fingerprint.add(SavedModelLayout.PROTO, savedModel.length);
    fingerprint.digest.update(savedModel);
    Optional<ModelEntry> index = files.find(SavedModelLayout.INDEX);
    if (index.isPresent()) {
      fingerprint.addContent(files, index.get());
    }
    for (ModelEntry shard : SavedModelLayout.shards(files)) {
      fingerprint.add(shard.name(), shard.size());
      if (files.hasSharedTimes()) {
        fingerprint.add(shard.modified());
      }
    }
    for (ModelEntry asset : files.filesBelow(SavedModelLayout.ASSETS)) {
      fingerprint.addContent(files, asset);
    }
    return "sha256:" + HexFormat.of().formatHex(fingerprint.digest.digest());
  }

  /** Adds a file's name and size; they also mark off one file's content from the next. */
  private void add(String name, long size) {
    byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
    digest.update(ByteBuffer.allocate(Integer.BYTES).putInt(bytes.length).flip());
    digest.update(bytes);
    add(size);
  }

  private void add(long number) {
    digest.update(ByteBuffer.allocate(Long.BYTES).putLong(number).flip());
  }

  private void addContent(ModelFiles files, ModelEntry entry) throws IOException {
    add(entry.name(), entry.size());
    byte[] buffer = new byte[BUFFER_BYTES];
    try (InputStream in = files.open(entry.name())) {
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        digest.update(buffer, 0, n);
      }
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
