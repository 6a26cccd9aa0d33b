package io.tensorarrow.spark.model.store;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.host.HostName;
import io.tensorarrow.spark.model.store.ModelEntry.Kind;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.LocatedFileStatus;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RemoteIterator;

/** Files on a file system that Hadoop knows. */
final class HadoopFiles implements ModelFiles {
  private static final Set<String> NO_NAMES = Set.of("", ".", "..");

  private final FileSystem fileSystem;
  private final Path root;
  private final Redaction redaction;
  private final boolean owner;

  /**
   * Takes over a file system.
   *
   * @param fileSystem closed with this object
   * @param root a qualified path
   * @param redaction keeps credentials out of messages
   */
  HadoopFiles(FileSystem fileSystem, Path root, Redaction redaction) {
    this(fileSystem, root, redaction, true);
  }

  private HadoopFiles(FileSystem fileSystem, Path root, Redaction redaction, boolean owner) {
    this.fileSystem = fileSystem;
    this.root = root;
    this.redaction = redaction;
    this.owner = owner;
  }

  /** Something that asks the file system. */
  private interface Request<T> {
    T send() throws IOException;
  }

  /** Clients of stores let exceptions of their own through, or lack classes. */
  private static <T> T ask(Request<T> request) throws IOException {
    try {
      return request.send();
    } catch (RuntimeException | LinkageError e) {
      throw new IOException(e.toString(), e);
    }
  }

  @Override
  public String location() {
    return root.toString();
  }

  @Override
  public Optional<java.nio.file.Path> localDirectory() {
    return Optional.empty();
  }

  @Override
  public String fileSystem() {
    return "the file system '" + fileSystem.getUri() + "'";
  }

  @Override
  public boolean hasSharedTimes() {
    return true;
  }

  @Override
  public Optional<ModelEntry> find(String name) throws IOException {
    try {
      return Optional.of(entry(name, ask(() -> fileSystem.getFileStatus(path(name)))));
    } catch (FileNotFoundException e) {
      return Optional.empty();
    }
  }

  @Override
  public List<ModelEntry> list() throws IOException {
    FileStatus[] children;
    try {
      children = ask(() -> fileSystem.listStatus(root));
    } catch (FileNotFoundException e) {
      return List.of();
    }
    List<ModelEntry> entries = new ArrayList<>();
    for (FileStatus child : children) {
      entries.add(entry(name(child), child));
    }
    entries.sort(Comparator.comparing(ModelEntry::name));
    return entries;
  }

  @Override
  public List<ModelEntry> filesBelow(String subdirectory) throws IOException {
    List<ModelEntry> entries = new ArrayList<>();
    try {
      RemoteIterator<LocatedFileStatus> files =
          ask(() -> fileSystem.listFiles(path(subdirectory), true));
      while (ask(files::hasNext)) {
        FileStatus file = ask(files::next);
        entries.add(entry(name(file), file));
      }
    } catch (FileNotFoundException e) {
      return List.of();
    }
    entries.sort(Comparator.comparing(ModelEntry::name));
    return entries;
  }

  @Override
  public InputStream open(String name) throws IOException {
    return ask(() -> fileSystem.open(path(name)));
  }

  @Override
  public InputStream open(String name, long offset) throws IOException {
    return ask(
        () -> {
          FSDataInputStream in = fileSystem.open(path(name));
          try {
            in.seek(offset);
            return in;
          } catch (IOException | RuntimeException e) {
            in.close();
            throw e;
          }
        });
  }

  @Override
  public ModelFiles below(String subdirectory) {
    return new HadoopFiles(fileSystem, path(subdirectory), redaction, false);
  }

  @Override
  public Optional<String> nearestParent() {
    for (Path parent = root.getParent(); parent != null; parent = parent.getParent()) {
      Path candidate = parent;
      try {
        return Optional.of(ask(() -> fileSystem.getFileStatus(candidate)).getPath().toString());
      } catch (FileNotFoundException e) {
        // Its own parent may exist.
      } catch (IOException e) {
        // It only helps to find the slip; not everyone may look at the directories above.
        return Optional.empty();
      }
    }
    return Optional.empty();
  }

  @Override
  public TensorArrowException unreadable(IOException cause) {
    return TensorArrowException.cannot(
            ErrorCode.TA_MODEL_FETCH, "read model '%s' on host '%s'", location(), HostName.get())
        .found("%s", redaction.apply(cause.toString()))
        .causedBy(redaction.harmless(cause))
        .expected(
            "files that this user can read (check the location and the fs.* options; if the store"
                + " was only busy, run it again)");
  }

  @Override
  public void close() {
    if (owner) {
      try {
        fileSystem.close();
      } catch (IOException e) {
        throw unreadable(e);
      }
    }
  }

  private Path path(String name) {
    // With the path's own parts, since Path would take a colon in a name for a scheme.
    return name.isEmpty() ? root : Path.mergePaths(root, new Path("/" + name));
  }

  /** Returns a listed file's name below the root; what a store lists is only data. */
  private String name(FileStatus status) throws IOException {
    String above = root.toUri().getPath();
    String prefix = above.endsWith("/") ? above : above + "/";
    String path = status.getPath().toUri().getPath();
    String name = path.startsWith(prefix) ? path.substring(prefix.length()) : "";
    if (Arrays.stream(name.split("/", -1)).anyMatch(NO_NAMES::contains) || name.contains("\0")) {
      throw new IOException(
          "listed '" + status.getPath() + "', which is no name below '" + root + "'");
    }
    return name;
  }

  private static ModelEntry entry(String name, FileStatus status) {
    Kind kind = status.isFile() ? Kind.FILE : status.isDirectory() ? Kind.DIRECTORY : Kind.OTHER;
    return new ModelEntry(name, kind, status.getLen(), status.getModificationTime());
  }
}
