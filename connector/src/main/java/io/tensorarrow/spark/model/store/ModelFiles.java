package io.tensorarrow.spark.model.store;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * The files of one directory that may be a model, on whatever file system they are. Names are paths
 * below that directory, with slashes.
 *
 * <p>Belongs to one thread.
 */
public interface ModelFiles extends AutoCloseable {
  /**
   * Returns the files of a local directory. Copies of a model on several hosts have different
   * times, so that times say nothing about it.
   *
   * @param directory the directory, which need not exist
   */
  static ModelFiles local(Path directory) {
    Path absolute = directory.toAbsolutePath().normalize();
    return new LocalFiles(absolute, absolute.toString(), false);
  }

  /**
   * Returns the files of this host's copy of a remote model, which have the times of the originals.
   *
   * @param directory the copy
   * @param location where the originals are
   */
  static ModelFiles copy(Path directory, String location) {
    return new LocalFiles(directory, location, true);
  }

  /** Returns how messages name the directory: a path or URI without credentials. */
  String location();

  /** Returns the directory if TensorFlow can read it by itself. */
  Optional<Path> localDirectory();

  /** Returns which file system this is, in words. */
  String fileSystem();

  /** Returns whether all who read this model see the same times. */
  boolean hasSharedTimes();

  /**
   * Looks something up.
   *
   * @param name its name; empty for the directory itself
   * @return what is there, if anything
   * @throws IOException if that can't be found out
   */
  Optional<ModelEntry> find(String name) throws IOException;

  /** Returns what is directly in the directory, sorted by name; nothing if it does not exist. */
  List<ModelEntry> list() throws IOException;

  /**
   * Returns all that is below a subdirectory but for directories, sorted by name; nothing if it
   * does not exist.
   */
  List<ModelEntry> filesBelow(String subdirectory) throws IOException;

  /**
   * Reads a file.
   *
   * @param name its name
   * @return its bytes; the caller closes the stream
   */
  InputStream open(String name) throws IOException;

  /**
   * Reads a file from some byte on.
   *
   * @param name its name
   * @param offset how many bytes to leave out, which are not read
   * @return its bytes from there; the caller closes the stream
   * @throws IOException if it can't be read; on some file systems also if it ends before
   */
  InputStream open(String name, long offset) throws IOException;

  /**
   * Returns the files of a subdirectory.
   *
   * @return a view that is closed with this one
   */
  ModelFiles below(String subdirectory);

  /** Returns the closest directory above this one that exists, if any can be seen. */
  Optional<String> nearestParent();

  /**
   * Says that something here could not be read.
   *
   * @param cause why; what it tells is freed from credentials
   * @return {@link ErrorCode#TA_MODEL_CORRUPT} for local files, {@link ErrorCode#TA_MODEL_FETCH}
   *     for others
   */
  TensorArrowException unreadable(IOException cause);

  /** Ends the connection to the file system. */
  @Override
  void close();
}
