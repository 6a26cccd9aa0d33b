package io.tensorarrow.spark.model.natives;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.host.HostLock;
import io.tensorarrow.spark.host.Interruption;
import io.tensorarrow.spark.host.PrivateDirectory;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.io.OutputStream;
import java.net.JarURLConnection;
import java.net.URL;
import java.net.URLConnection;
import java.nio.ByteBuffer;
import java.nio.channels.SeekableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Properties;
import java.util.function.Consumer;
import java.util.zip.CRC32;
import org.jspecify.annotations.Nullable;

/**
 * Where TensorFlow's native libraries lie on this host: a directory per version and content, made
 * once and completely.
 *
 * <p>JVMs that start at once take turns by a file lock; a directory comes into being by a rename,
 * so that no one who reads without the lock sees half of it. What is damaged is replaced. Code is
 * loaded from here, so no one else may be able to write here. A directory that is complete is used
 * even where nothing can be written.
 *
 * <p>Thread-safe.
 */
public final class NativesDirectory {
  private static final String RESOURCES = "org/tensorflow/internal/c_api/";
  private static final String VERSION = "version.properties";
  private static final String ARTIFACT = "org.tensorflow:tensorflow-core-native";
  private static final String UNFINISHED = "unfinished-";
  private static final String TWIN = "loader-";
  private static final String INTERRUPTED = "found the task interrupted; expected it to run on";
  private static final int CHUNK_BYTES = 1 << 20;
  private static final int HASH_LETTERS = 16;

  private static final List<String> VARIANTS = List.of("-gpu", "");

  private final Path base;

  private NativesDirectory(Path base) {
    this.base = base;
  }

  /**
   * One library on the class path.
   *
   * @param crc its checksum, where it lies in a jar, which has it
   */
  private record Library(String name, URL url, long size, OptionalLong crc, long modified) {}

  /**
   * Chooses the directory without touching it.
   *
   * @param configured the directory to use, or empty for one of the user's own
   */
  public static NativesDirectory of(Optional<Path> configured) {
    return new NativesDirectory(
        configured
            .orElseGet(() -> PrivateDirectory.ofUser(System.getenv("XDG_CACHE_HOME")))
            .toAbsolutePath());
  }

  /**
   * Returns the directory that JavaCPP may write to if it wants: it is as private as the libraries
   * are.
   */
  static String scratch(Path libraries) {
    return libraries.resolveSibling("javacpp").toString();
  }

  /** Returns the directory that is private to the user; it need not exist. */
  public Path base() {
    return base;
  }

  /**
   * Makes sure that the libraries lie in this directory.
   *
   * @return the directory that holds them, a real path
   * @throws TensorArrowException with {@link ErrorCode#TA_NATIVES} if they can't be put there, or
   *     others could change them
   */
  Path extract() {
    String platform = platform();
    List<Library> libraries = libraries(platform);
    try {
      Path real = PrivateDirectory.create(base);
      Optional<String> weakness = PrivateDirectory.weakness(real);
      if (weakness.isPresent()) {
        throw failed("found " + weakness.get(), null);
      }
      Path target = real.resolve(name(platform, libraries));
      if (isWhole(target, libraries)) {
        tidy(real);
      } else {
        extract(real, target, libraries);
      }
      return target;
    } catch (InterruptedIOException e) {
      throw failed(INTERRUPTED, e);
    } catch (IOException e) {
      throw failed(
          "found " + reason(e) + "; expected a directory on a local disk that this user can write",
          e);
    }
  }

  private void extract(Path real, Path target, List<Library> libraries) throws IOException {
    try (HostLock exclusive = HostLock.take(lock(real), HostLock.Mode.EXCLUSIVE)) {
      if (isWhole(target, libraries)) {
        return;
      }
      deleteLeftovers(real);
      requireSpace(real, libraries);
      Path unfinished = Files.createTempDirectory(real, UNFINISHED, PrivateDirectory.ATTRIBUTE);
      try {
        for (Library library : libraries) {
          copy(library, unfinished.resolve(library.name()));
        }
        Files.createDirectories(real.resolve("javacpp"), PrivateDirectory.ATTRIBUTE);
        if (Files.exists(target, LinkOption.NOFOLLOW_LINKS)) {
          // Another JVM may have mapped the damaged files: they are moved and unlinked, never
          // overwritten.
          Files.move(target, unfinished.resolveSibling(unfinished.getFileName() + "-replaced"));
        }
        Files.move(unfinished, target, StandardCopyOption.ATOMIC_MOVE);
      } finally {
        deleteLeftovers(real);
      }
    }
  }

  /** Deletes what killed JVMs left, unless another JVM is at work here: it does so itself. */
  private static void tidy(Path real) throws IOException {
    if (leftovers(real).isEmpty() || !Files.isWritable(real)) {
      return;
    }
    Optional<HostLock> free = HostLock.tryTake(lock(real), HostLock.Mode.EXCLUSIVE);
    if (free.isPresent()) {
      try (HostLock held = free.get()) {
        deleteLeftovers(real);
      }
    }
  }

  private static Path lock(Path real) {
    return real.resolve("lock");
  }

  /**
   * Lends a second set of the libraries for another class loader of the same process: Java wants
   * other file names, while TensorFlow may be in memory only once. Hard links are the same file to
   * the system's linker; the small library with Java's functions has to be there once per class
   * loader. The lock is held meanwhile, so that no one takes the set for a leftover.
   *
   * @param libraries what {@link #extract} returned
   * @param user uses the directory, which is gone afterwards
   */
  static void withTwin(Path libraries, Consumer<Path> user) {
    Path real = libraries.resolveSibling(".").normalize();
    try (HostLock exclusive = HostLock.take(lock(real), HostLock.Mode.SHARED)) {
      Path twin = Files.createTempDirectory(real, TWIN, PrivateDirectory.ATTRIBUTE);
      try {
        try (DirectoryStream<Path> files = Files.newDirectoryStream(libraries)) {
          for (Path file : files) {
            Path name = twin.resolve(file.getFileName());
            if (file.getFileName().toString().startsWith("libjni")) {
              Files.copy(file, name);
            } else {
              Files.createLink(name, file);
            }
          }
        }
        user.accept(twin);
      } finally {
        PrivateDirectory.delete(twin);
      }
    } catch (InterruptedIOException e) {
      throw notLent(libraries, INTERRUPTED, e);
    } catch (IOException e) {
      throw notLent(
          libraries, "found " + reason(e) + "; expected a directory that this user can write", e);
    }
  }

  private static TensorArrowException notLent(Path libraries, String found, IOException cause) {
    return new TensorArrowException(
        ErrorCode.TA_NATIVES,
        "Cannot lend TensorFlow's libraries in '"
            + libraries
            + "' to another class loader: "
            + found,
        cause);
  }

  private static void copy(Library library, Path to) throws IOException {
    URLConnection connection = library.url().openConnection();
    // The URL's shared jar would otherwise stay open, or be closed under someone else's hands.
    connection.setUseCaches(false);
    try (InputStream in = connection.getInputStream();
        OutputStream out = Files.newOutputStream(to, StandardOpenOption.CREATE_NEW)) {
      byte[] chunk = new byte[CHUNK_BYTES];
      for (int read = in.read(chunk); read >= 0; read = in.read(chunk)) {
        Interruption.check();
        out.write(chunk, 0, read);
      }
    }
    if (Files.size(to) != library.size()) {
      throw new IOException(
          "read " + Files.size(to) + " of " + library.size() + " bytes of " + library.name());
    }
  }

  private void requireSpace(Path real, List<Library> libraries) throws IOException {
    long needed = libraries.stream().mapToLong(Library::size).sum();
    long usable = Files.getFileStore(real).getUsableSpace();
    if (usable < needed) {
      throw failed(
          "found "
              + usable
              + " free bytes; expected "
              + needed
              + " for TensorFlow's libraries (free some space, or choose a natives directory on"
              + " another disk)",
          null);
    }
  }

  /** Whether they are there as the jar has them: a disk that was full or failed may alter them. */
  private static boolean isWhole(Path target, List<Library> libraries) throws IOException {
    for (Library library : libraries) {
      Path file = target.resolve(library.name());
      if (!Files.isRegularFile(file)
          || Files.size(file) != library.size()
          || (library.crc().isPresent() && crc(file) != library.crc().getAsLong())) {
        return false;
      }
    }
    return true;
  }

  private static long crc(Path file) throws IOException {
    CRC32 crc = new CRC32();
    ByteBuffer chunk = ByteBuffer.allocateDirect(CHUNK_BYTES);
    try (SeekableByteChannel channel = Files.newByteChannel(file)) {
      while (channel.read(chunk) >= 0) {
        Interruption.check();
        crc.update(chunk.flip());
        chunk.clear();
      }
    }
    return crc.getValue();
  }

  /** Deletes what JVMs left that were killed at work; to be called under the lock. */
  private static void deleteLeftovers(Path real) throws IOException {
    for (Path leftover : leftovers(real)) {
      PrivateDirectory.delete(leftover);
    }
  }

  /** Returns what is only there while a JVM holds the lock. */
  private static List<Path> leftovers(Path real) throws IOException {
    List<Path> leftovers = new ArrayList<>();
    try (DirectoryStream<Path> files =
        Files.newDirectoryStream(real, "{" + UNFINISHED + "," + TWIN + "}*")) {
      files.forEach(leftovers::add);
    }
    return leftovers;
  }

  /** Names the directory after version and content: an upgrade or another build gets its own. */
  private static String name(String platform, List<Library> libraries) throws IOException {
    MessageDigest digest = sha256();
    for (Library library : libraries) {
      digest.update(library.name().getBytes(StandardCharsets.UTF_8));
      digest.update(
          ByteBuffer.allocate(2 * Long.BYTES)
              .putLong(library.size())
              .putLong(library.crc().orElse(library.modified()))
              .flip());
    }
    String hash = HexFormat.of().formatHex(digest.digest()).substring(0, HASH_LETTERS);
    return "tensorflow-" + version() + "-" + platform + "-" + hash;
  }

  private static String version() throws IOException {
    Properties properties = new Properties();
    try (InputStream in = NativesDirectory.class.getResourceAsStream(VERSION)) {
      if (in == null) {
        throw new IllegalStateException("the jar lacks " + VERSION);
      }
      properties.load(in);
    }
    return properties.getProperty("tensorflow");
  }

  private List<Library> libraries(String platform) {
    List<Library> libraries = new ArrayList<>();
    try {
      for (String name : libraryNames(platform)) {
        URL url = loader().getResource(RESOURCES + platform + "/" + name);
        if (url == null) {
          throw failed(
              "found no "
                  + name
                  + " for platform '"
                  + platform
                  + "' on the class path; expected the artifact "
                  + ARTIFACT
                  + " with classifier "
                  + platform
                  + " (another class path, or a platform that TensorFlow Java does not support)",
              null);
        }
        URLConnection connection = url.openConnection();
        OptionalLong crc =
            connection instanceof JarURLConnection jar
                ? OptionalLong.of(jar.getJarEntry().getCrc())
                : OptionalLong.empty();
        libraries.add(
            new Library(
                name, url, connection.getContentLengthLong(), crc, connection.getLastModified()));
      }
    } catch (IOException e) {
      throw failed("found " + reason(e) + " in the class path; expected a readable jar", e);
    }
    return libraries;
  }

  private static List<String> libraryNames(String platform) {
    List<String> names = new ArrayList<>();
    if (platform.startsWith("macosx")) {
      names.add("libtensorflow_framework.2.dylib");
      names.add("libtensorflow_cc.2.dylib");
      names.add("libjnitensorflow.dylib");
    } else {
      names.add("libtensorflow_framework.so.2");
      names.add("libtensorflow_cc.so.2");
      names.add("libjnitensorflow.so");
    }
    if (platform.equals("linux-arm64")) {
      names.add("libomp-6196b3b5.so.5");
    }
    return names;
  }

  /** Returns JavaCPP's name of this platform, with the variant that is on the class path. */
  private static String platform() {
    String plain = plainPlatform();
    for (String variant : VARIANTS) {
      String platform = plain + variant;
      String first = libraryNames(platform).get(0);
      if (loader().getResource(RESOURCES + platform + "/" + first) != null) {
        return platform;
      }
    }
    return plain;
  }

  private static String plainPlatform() {
    String os = System.getProperty("os.name").toLowerCase(Locale.ROOT);
    String arch = System.getProperty("os.arch");
    String system = os.startsWith("mac") ? "macosx" : os.replace(' ', '-');
    return switch (arch) {
      case "amd64", "x86_64" -> system + "-x86_64";
      case "aarch64" -> system + "-arm64";
      default -> system + "-" + arch;
    };
  }

  private static ClassLoader loader() {
    return NativesDirectory.class.getClassLoader();
  }

  private static String reason(IOException e) {
    if (e instanceof AccessDeniedException denied) {
      return "no permission for " + denied.getFile();
    }
    if (e instanceof FileSystemException file && file.getReason() != null) {
      return file.getReason() + " (" + file.getFile() + ")";
    }
    // A message alone may be no more than a path.
    return e.toString();
  }

  private TensorArrowException failed(String found, @Nullable Throwable cause) {
    return new TensorArrowException(
        ErrorCode.TA_NATIVES,
        "Cannot extract TensorFlow's libraries to '" + base + "': " + found,
        cause);
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }
}
