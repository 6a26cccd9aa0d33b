package io.tensorarrow.spark.model.natives;

import io.tensorarrow.spark.host.Interruption;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.JarURLConnection;
import java.net.URL;
import java.net.URLConnection;
import java.nio.ByteBuffer;
import java.nio.channels.SeekableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.OptionalLong;
import java.util.Properties;
import java.util.zip.CRC32;

/**
 * TensorFlow's libraries for one platform as they are on the class path, with their sizes and
 * checksums. Immutable.
 */
final class NativeArtifacts {
  private static final String VERSION = "version.properties";
  private static final int CHUNK_BYTES = 1 << 20;
  private static final int HASH_LETTERS = 16;

  private final NativePlatform platform;
  private final List<Library> libraries;

  private NativeArtifacts(NativePlatform platform, List<Library> libraries) {
    this.platform = platform;
    this.libraries = libraries;
  }

  /**
   * One library on the class path.
   *
   * @param crc its checksum, where it is in a jar, which has it
   */
  private record Library(String name, URL url, long size, OptionalLong crc, long modified) {}

  /**
   * Looks the libraries up; all of them must be on the class path.
   *
   * @throws IOException if a jar can't be read
   */
  static NativeArtifacts of(NativePlatform platform) throws IOException {
    List<Library> libraries = new ArrayList<>();
    for (String name : platform.libraryNames()) {
      URL url = Objects.requireNonNull(platform.resource(name), name);
      URLConnection connection = url.openConnection();
      OptionalLong crc =
          connection instanceof JarURLConnection jar
              ? OptionalLong.of(jar.getJarEntry().getCrc())
              : OptionalLong.empty();
      libraries.add(
          new Library(
              name, url, connection.getContentLengthLong(), crc, connection.getLastModified()));
    }
    return new NativeArtifacts(platform, libraries);
  }

  /** Returns the size of all libraries. */
  long bytes() {
    return libraries.stream().mapToLong(Library::size).sum();
  }

  /** Names a directory after version and content: an upgrade or another build gets its own. */
  String directoryName() throws IOException {
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
    return "tensorflow-" + version() + "-" + platform.name() + "-" + hash;
  }

  private static String version() throws IOException {
    Properties properties = new Properties();
    try (InputStream in = NativeArtifacts.class.getResourceAsStream(VERSION)) {
      if (in == null) {
        throw new IllegalStateException("the jar lacks " + VERSION);
      }
      properties.load(in);
    }
    return properties.getProperty("tensorflow");
  }

  /**
   * Writes the libraries into an empty directory.
   *
   * @throws java.io.InterruptedIOException if the thread is interrupted, or its task killed
   */
  void copyTo(Path directory) throws IOException {
    for (Library library : libraries) {
      copy(library, directory.resolve(library.name()));
    }
  }

  private static void copy(Library library, Path to) throws IOException {
    URLConnection connection = library.url().openConnection();
    // The URL's shared jar would otherwise stay open, or be closed while another thread reads it.
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

  /**
   * Returns whether a directory has the libraries as the jar has them: a disk that was full or
   * failed may alter them.
   */
  boolean isComplete(Path directory) throws IOException {
    for (Library library : libraries) {
      Path file = directory.resolve(library.name());
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

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }
}
