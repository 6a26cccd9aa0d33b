package io.tensorarrow.spark.model.store;

import io.tensorarrow.spark.errors.CannotMessage;
import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.host.HostName;
import io.tensorarrow.spark.host.Interruption;
import io.tensorarrow.spark.host.LocalName;
import io.tensorarrow.spark.host.PrivateDirectory;
import io.tensorarrow.spark.options.ExecutorSettings;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;

/**
 * Copies the files of one remote model into a directory of this host. Owns the connection to the
 * original.
 *
 * <p>Belongs to one thread.
 */
final class ModelCopier implements AutoCloseable {
  private static final int BUFFER_BYTES = 1 << 18;

  private final String location;
  private final ModelCopies.Original original;
  private final ModelFiles files;

  /**
   * Takes over the original.
   *
   * @param location where it is, for messages
   */
  ModelCopier(String location, ModelCopies.Original original) {
    this.location = location;
    this.original = original;
    this.files = original.files();
  }

  /** Returns the error that a model can't be copied, to be completed. */
  static CannotMessage cannotCopy(String location) {
    return TensorArrowException.cannot(
        ErrorCode.TA_MODEL_FETCH, "copy model '%s' to host '%s'", location, HostName.get());
  }

  /** Returns the size of all files. */
  long bytes() {
    return original.entries().stream().mapToLong(ModelEntry::size).sum();
  }

  /** Checks that a directory's disk has space for the copy. */
  void requireSpace(Path directory) throws IOException {
    long bytes = bytes();
    long usable = Files.getFileStore(directory).getUsableSpace();
    if (usable < bytes) {
      throw cannotCopy(location)
          .found("%d free bytes in '%s'", usable, directory)
          .expected(
              "%d for its copy (free some space, or choose a directory on another disk with %s)",
              bytes, ExecutorSettings.MODELS_DIRECTORY.key());
    }
  }

  /**
   * Copies all files, with their times.
   *
   * @param directory an empty directory
   */
  void copyTo(Path directory) throws IOException {
    for (ModelEntry entry : original.entries()) {
      copy(entry, directory);
    }
  }

  private void copy(ModelEntry entry, Path directory) throws IOException {
    Path target = target(entry, directory);
    if (!target.startsWith(directory) || target.equals(directory)) {
      throw new IOException("'" + entry.name() + "' is no name below the model's directory");
    }
    Files.createDirectories(target.getParent(), PrivateDirectory.ATTRIBUTE);
    long size = 0;
    try (InputStream in = open(entry);
        FileChannel out =
            FileChannel.open(target, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      byte[] buffer = new byte[BUFFER_BYTES];
      int length = read(in, buffer);
      while (length >= 0 && size <= entry.size()) {
        Interruption.check();
        ByteBuffer bytes = ByteBuffer.wrap(buffer, 0, length);
        while (bytes.hasRemaining()) {
          out.write(bytes);
        }
        size += length;
        length = read(in, buffer);
      }
      // A copy is recognised by names, sizes and times: after a loss of power they must not be all
      // that is left of it.
      out.force(false);
    }
    if (size != entry.size()) {
      throw files.unreadable(
          new IOException(
              (size < entry.size() ? size + " of " : "more than ")
                  + entry.size()
                  + " bytes of "
                  + entry.name()
                  + " could be read"));
    }
    Files.setLastModifiedTime(target, FileTime.fromMillis(entry.modified()));
  }

  private Path target(ModelEntry entry, Path directory) {
    try {
      return LocalName.below(directory, entry.name()).normalize();
    } catch (FileSystemException e) {
      throw cannotCopy(files.location())
          .found("%s", new FileSystemException(e.getFile(), null, LocalName.unencodable()))
          .causedBy(e)
          .expected("%s", LocalName.EXPECTED);
    }
  }

  private InputStream open(ModelEntry entry) throws IOException {
    try {
      return files.open(entry.name());
    } catch (IOException e) {
      if (Interruption.isCauseOf(e)) {
        throw e;
      }
      throw files.unreadable(e);
    }
  }

  /** Reads from the original, whose errors are told apart from those of the copy's disk. */
  private int read(InputStream in, byte[] buffer) throws IOException {
    try {
      return in.read(buffer);
    } catch (IOException e) {
      if (Interruption.isCauseOf(e)) {
        throw e;
      }
      throw files.unreadable(e);
    } catch (RuntimeException e) {
      throw files.unreadable(new IOException(e.toString(), e));
    }
  }

  @Override
  public void close() {
    files.close();
  }
}
