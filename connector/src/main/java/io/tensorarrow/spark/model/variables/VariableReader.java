package io.tensorarrow.spark.model.variables;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.host.HostName;
import io.tensorarrow.spark.host.Interruption;
import io.tensorarrow.spark.model.ModelLoader;
import io.tensorarrow.spark.model.savedmodel.Checksum;
import io.tensorarrow.spark.model.savedmodel.CompletenessCheck;
import io.tensorarrow.spark.model.savedmodel.InvalidModelException;
import io.tensorarrow.spark.model.store.ModelAccess;
import io.tensorarrow.spark.model.store.ModelEntry;
import io.tensorarrow.spark.model.store.ModelFiles;
import io.tensorarrow.spark.model.store.ModelLocation;
import io.tensorarrow.spark.model.variables.ModelVariable.Part;
import io.tensorarrow.spark.tensor.DType;
import java.io.IOException;
import java.io.InputStream;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Reads the elements of a model's variables from the checkpoint's data files, without TensorFlow.
 * Variables that are one behind the other are read from one stream.
 *
 * <p>Belongs to one thread at a time.
 */
public final class VariableReader implements AutoCloseable {
  private static final int CHUNK_BYTES = 1 << 20;

  private final ModelFiles files;
  private final boolean owner;
  private @Nullable Shard open;

  /** A data file that is being read. */
  private static final class Shard {
    private final String name;
    private final InputStream in;
    private long position;

    Shard(String name, InputStream in, long position) {
      this.name = name;
      this.in = in;
      this.position = position;
    }
  }

  private VariableReader(ModelFiles files, boolean owner) {
    this.files = files;
    this.owner = owner;
  }

  /** Reads from files that the caller closes. */
  static VariableReader of(ModelFiles files) {
    return new VariableReader(files, false);
  }

  /**
   * Connects to a model.
   *
   * @param directory where it is: an absolute local path or a URI
   * @param access how this host gets at it
   * @return a reader, owned by the caller
   * @throws TensorArrowException with {@link ErrorCode#TA_MODEL_NOT_FOUND} if it is not on this
   *     host, with {@link ErrorCode#TA_MODEL_FETCH} if its file system can't be reached
   */
  public static VariableReader open(String directory, ModelAccess access) {
    ModelFiles files =
        access.isRemote()
            ? ModelLocation.open(directory, access.configuration())
            : ModelFiles.local(ModelLoader.directory(directory));
    VariableReader reader = new VariableReader(files, true);
    try {
      if (files.find("").isEmpty()) {
        throw ModelLoader.missing(directory);
      }
      return reader;
    } catch (IOException e) {
      reader.close();
      throw files.unreadable(e);
    } catch (RuntimeException e) {
      reader.close();
      throw e;
    }
  }

  /**
   * Reads a variable.
   *
   * @param variable one that can be read ({@link ModelVariable#checkReadable})
   * @return its elements, little-endian and row-major; strings as the checkpoint has them: the
   *     length of each as a varint, four bytes of checksum, and the bytes of all
   * @throws TensorArrowException with {@link ErrorCode#TA_MODEL_CORRUPT} if the data file is
   *     missing, too short or damaged, with {@link ErrorCode#TA_MODEL_FETCH} if a remote file
   *     system does not give it
   */
  public byte[] read(ModelVariable variable) {
    try {
      return bytes(variable);
    } catch (InvalidModelException e) {
      throw e.of(files.location());
    } catch (IOException e) {
      throw files.unreadable(e);
    }
  }

  /** Reads a variable; errors do not name the model. */
  byte[] bytes(ModelVariable variable) throws InvalidModelException, IOException {
    Part first = variable.parts().get(0);
    if (first.extent().equals(variable.shape())) {
      return bytes(variable, first);
    }
    byte[] joined = new byte[Math.toIntExact(variable.size())];
    int width = variable.dtype().map(DType::byteSize).orElseThrow();
    for (Part part : variable.parts()) {
      PartCopier.copy(bytes(variable, part), part, joined, variable.shape(), width);
    }
    return joined;
  }

  private byte[] bytes(ModelVariable variable, Part part)
      throws InvalidModelException, IOException {
    // Before the memory is asked for.
    requireShard(variable, part);
    byte[] bytes = new byte[Math.toIntExact(part.size())];
    Shard shard = shard(part);
    int read = 0;
    while (read < bytes.length) {
      Interruption.check();
      int next = shard.in.read(bytes, read, Math.min(CHUNK_BYTES, bytes.length - read));
      if (next < 0) {
        throw damaged(variable, part, "only " + read + " of " + part.size() + " bytes");
      }
      read += next;
      shard.position += next;
    }
    if (!hasChecksum(variable, part, bytes)) {
      throw damaged(variable, part, "bytes with another checksum than in variables.index");
    }
    return bytes;
  }

  private static boolean hasChecksum(ModelVariable variable, Part part, byte[] bytes) {
    if (!variable.dtype().equals(Optional.of(DType.STRING))) {
      return Checksum.of(ByteBuffer.wrap(bytes)) == part.checksum();
    }
    try {
      long count = variable.shape().stream().reduce(1L, Math::multiplyExact);
      return StoredStrings.checksum(bytes, count) == part.checksum();
    } catch (BufferUnderflowException | ArithmeticException e) {
      return false;
    }
  }

  private void requireShard(ModelVariable variable, Part part)
      throws InvalidModelException, IOException {
    Optional<ModelEntry> entry = files.find(part.file());
    if (entry.isEmpty()) {
      throw damaged(variable, part, "no such file");
    }
    CompletenessCheck.requireFile(entry.get());
    if (entry.get().size() < part.offset() + part.size()) {
      throw damaged(
          variable, part, "a file of " + entry.get().size() + " bytes, which is too short");
    }
  }

  /** Returns the stream at the beginning of a part. */
  private Shard shard(Part part) throws IOException {
    Shard current = open;
    if (current != null && current.name.equals(part.file()) && current.position == part.offset()) {
      return current;
    }
    closeShard();
    Shard next = new Shard(part.file(), files.open(part.file(), part.offset()), part.offset());
    open = next;
    return next;
  }

  private static InvalidModelException damaged(ModelVariable variable, Part part, String found) {
    return InvalidModelException.corrupt(
        "%s for variable '%s' in %s on host '%s'"
            .formatted(found, variable.name(), part.file(), HostName.get()),
        "%d bytes at %d, as TensorFlow wrote them".formatted(part.size(), part.offset()));
  }

  private void closeShard() throws IOException {
    if (open != null) {
      open.in.close();
      open = null;
    }
  }

  /** Ends the connection. */
  @Override
  public void close() {
    try {
      closeShard();
    } catch (IOException e) {
      throw files.unreadable(e);
    } finally {
      if (owner) {
        files.close();
      }
    }
  }
}
