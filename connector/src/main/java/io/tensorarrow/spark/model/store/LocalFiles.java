package io.tensorarrow.spark.model.store;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.host.LocalName;
import io.tensorarrow.spark.model.store.ModelEntry.Kind;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.Channels;
import java.nio.channels.SeekableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystemException;
import java.nio.file.FileVisitOption;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;

/**
 * Files on this host's own disks. Links are followed, but a file counts as part of the model only
 * if it really is inside the directory: a model may come from someone who must not choose which
 * files of this host are read.
 */
final class LocalFiles implements ModelFiles {
  private static final int MAX_NAME_BYTES = 255;
  private static final int MAX_PATH_BYTES = 4095;

  private final Path root;
  private final String location;
  private final boolean sharedTimes;

  /**
   * Makes a view of a directory, which need not exist.
   *
   * @param root an absolute path
   * @param location how messages name it
   * @param sharedTimes whether its files have times that say something
   */
  LocalFiles(Path root, String location, boolean sharedTimes) {
    this.root = root;
    this.location = location;
    this.sharedTimes = sharedTimes;
  }

  @Override
  public String location() {
    return location;
  }

  @Override
  public Optional<Path> localDirectory() {
    return Optional.of(root);
  }

  @Override
  public String fileSystem() {
    return "the local file system";
  }

  @Override
  public boolean hasSharedTimes() {
    return sharedTimes;
  }

  @Override
  public Optional<ModelEntry> find(String name) throws IOException {
    Path path = name.isEmpty() ? root : LocalName.below(root, name);
    try {
      Path real = path.toRealPath();
      if (!real.startsWith(root.toRealPath())) {
        return Optional.of(new ModelEntry(name, Kind.OUTSIDE, 0, 0));
      }
      return Optional.of(entry(name, Files.readAttributes(real, BasicFileAttributes.class)));
    } catch (NoSuchFileException e) {
      return Optional.empty();
    } catch (AccessDeniedException e) {
      throw e;
    } catch (FileSystemException e) {
      if (isTooLong(path) || isBelowAFile(path)) {
        return Optional.empty();
      }
      throw e;
    }
  }

  @Override
  public List<ModelEntry> list() throws IOException {
    if (!Files.isDirectory(root)) {
      return List.of();
    }
    List<ModelEntry> entries = new ArrayList<>();
    try (DirectoryStream<Path> children = Files.newDirectoryStream(root)) {
      for (Path child : children) {
        String name = child.getFileName().toString();
        entries.add(find(name).orElse(new ModelEntry(name, Kind.OTHER, 0, 0)));
      }
    }
    entries.sort(Comparator.comparing(ModelEntry::name));
    return entries;
  }

  @Override
  public List<ModelEntry> filesBelow(String subdirectory) throws IOException {
    Path top = root.resolve(subdirectory);
    if (!Files.isDirectory(top)) {
      return List.of();
    }
    List<ModelEntry> entries = new ArrayList<>();
    Path realRoot = root.toRealPath();
    Files.walkFileTree(
        top,
        EnumSet.of(FileVisitOption.FOLLOW_LINKS),
        Integer.MAX_VALUE,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult preVisitDirectory(Path directory, BasicFileAttributes attributes)
              throws IOException {
            if (directory.toRealPath().startsWith(realRoot)) {
              return FileVisitResult.CONTINUE;
            }
            entries.add(new ModelEntry(name(directory), Kind.OUTSIDE, 0, 0));
            return FileVisitResult.SKIP_SUBTREE;
          }

          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            String name = name(file);
            entries.add(find(name).orElse(new ModelEntry(name, Kind.OTHER, 0, 0)));
            return FileVisitResult.CONTINUE;
          }
        });
    entries.sort(Comparator.comparing(ModelEntry::name));
    return entries;
  }

  @Override
  public InputStream open(String name) throws IOException {
    return Files.newInputStream(LocalName.below(root, name));
  }

  @Override
  public InputStream open(String name, long offset) throws IOException {
    SeekableByteChannel channel = Files.newByteChannel(LocalName.below(root, name));
    try {
      return Channels.newInputStream(channel.position(offset));
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw e;
    }
  }

  @Override
  public ModelFiles below(String subdirectory) {
    return new LocalFiles(root.resolve(subdirectory), location + "/" + subdirectory, sharedTimes);
  }

  @Override
  public Optional<String> nearestParent() {
    Path parent = root.getParent();
    while (parent != null && !Files.exists(parent)) {
      parent = parent.getParent();
    }
    return Optional.ofNullable(parent).map(Path::toString);
  }

  @Override
  public TensorArrowException unreadable(IOException cause) {
    String found =
        cause instanceof AccessDeniedException denied
            ? "no permission to read " + denied.getFile()
            : cause.toString();
    return TensorArrowException.cannot(ErrorCode.TA_MODEL_CORRUPT, "read model '%s'", location)
        .found("%s", found)
        .causedBy(cause)
        .expected("readable files");
  }

  @Override
  public void close() {
    // Nothing is kept open.
  }

  private String name(Path path) {
    return root.relativize(path).toString();
  }

  private static ModelEntry entry(String name, BasicFileAttributes attributes) {
    Kind kind =
        attributes.isRegularFile()
            ? Kind.FILE
            : attributes.isDirectory() ? Kind.DIRECTORY : Kind.OTHER;
    return new ModelEntry(name, kind, attributes.size(), attributes.lastModifiedTime().toMillis());
  }

  /** The system has no exception of its own for names that can't exist. */
  private static boolean isTooLong(Path path) {
    for (Path part : path) {
      if (bytes(part) > MAX_NAME_BYTES) {
        return true;
      }
    }
    return bytes(path) > MAX_PATH_BYTES;
  }

  private static int bytes(Path path) {
    return path.toString().getBytes(StandardCharsets.UTF_8).length;
  }

  private static boolean isBelowAFile(Path path) {
    Path parent = path.getParent();
    while (parent != null && !Files.exists(parent)) {
      parent = parent.getParent();
    }
    return parent != null && !Files.isDirectory(parent);
  }
}
