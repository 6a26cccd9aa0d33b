package io.tensorarrow.spark.testing;

import java.io.ByteArrayInputStream;
import java.io.EOFException;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.PositionedReadable;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.apache.hadoop.fs.Seekable;

/**
 * This host's files under the scheme {@code test}, for those who know the password, with the faults
 * that a remote file system can have. It exists only for who sets {@link #options}.
 */
public final class TestFileSystem extends RawLocalFileSystem {
  /** What must be given as {@code fs.test.secret.key}. */
  public static final String SECRET = "s3cr3t-of-the-test";

  private static final URI SCHEME = URI.create("test:///");
  private static final String FAULT = "fs.test.fault";
  private static final String LOG = "fs.test.log";

  /** What can go wrong; each begins with the second opening of a file but for the first two. */
  public enum Fault {
    /** Nothing. */
    NONE,
    /** Files are as large as no disk. */
    HUGE,
    /** Names that lead elsewhere are listed. */
    FOREIGN_NAMES,
    /** Data files can't be opened, and the message repeats the secret. */
    DENIED,
    /** Data files end too early. */
    CUT,
    /** Data files do not end where they should. */
    LONG,
    /** Data files don't come in time. */
    TIMEOUT,
    /** Data files can be read only very slowly. */
    SLOW,
    /** The graph's bytes are others than those that the driver saw. */
    OTHER_BYTES
  }

  private static final AtomicInteger CONNECTIONS = new AtomicInteger();
  private static final AtomicLong LISTINGS = new AtomicLong();

  private Fault fault = Fault.NONE;
  private boolean connected;

  /** Called by Hadoop, by class name. */
  public TestFileSystem() {}

  /**
   * Returns the options that make the file system known.
   *
   * @param fault what goes wrong
   * @param log a file that gets a line for each file that is opened
   */
  public static Map<String, String> options(Fault fault, java.nio.file.Path log) {
    return Map.of(
        "fs.test.impl",
        TestFileSystem.class.getName(),
        "fs.test.secret.key",
        SECRET,
        FAULT,
        fault.name(),
        LOG,
        log.toString());
  }

  /** Returns how often a file whose path ends so was opened. */
  public static long opened(java.nio.file.Path log, String end) throws IOException {
    return Files.exists(log)
        ? Files.readAllLines(log).stream().filter(line -> line.endsWith(end)).count()
        : 0;
  }

  /** Returns how often directories were listed so far. */
  public static long listings() {
    return LISTINGS.get();
  }

  /** Returns how many of these are not closed yet. */
  public static int connections() {
    return CONNECTIONS.get();
  }

  @Override
  public void initialize(URI name, Configuration conf) throws IOException {
    if (!SECRET.equals(conf.get("fs.test.secret.key"))) {
      throw new AccessDeniedException("403: key " + conf.get("fs.test.secret.key"));
    }
    super.initialize(name, conf);
    setConf(conf);
    fault = Fault.valueOf(conf.get(FAULT));
    connected = true;
    CONNECTIONS.incrementAndGet();
  }

  @Override
  public void close() throws IOException {
    if (connected) {
      connected = false;
      CONNECTIONS.decrementAndGet();
    }
    super.close();
  }

  @Override
  public URI getUri() {
    return SCHEME;
  }

  @Override
  public String getScheme() {
    return SCHEME.getScheme();
  }

  @Override
  public FileStatus getFileStatus(Path path) throws IOException {
    return altered(super.getFileStatus(path));
  }

  @Override
  public FileStatus[] listStatus(Path path) throws IOException {
    LISTINGS.incrementAndGet();
    FileStatus[] listed = super.listStatus(path);
    for (int i = 0; i < listed.length; i++) {
      listed[i] = altered(listed[i]);
    }
    return listed;
  }

  private FileStatus altered(FileStatus status) {
    boolean data = isData(status.getPath());
    long length = fault == Fault.HUGE && data ? 1L << 60 : status.getLen();
    Path path =
        fault == Fault.FOREIGN_NAMES && data ? new Path("test:///etc/passwd") : status.getPath();
    return new FileStatus(
        length, status.isDirectory(), 1, 1 << 20, status.getModificationTime(), path);
  }

  @Override
  public FSDataInputStream open(Path path, int bufferSize) throws IOException {
    java.nio.file.Path log = java.nio.file.Path.of(getConf().get(LOG));
    Files.write(
        log,
        (path.toUri().getPath() + "\n").getBytes(StandardCharsets.UTF_8),
        StandardOpenOption.CREATE,
        StandardOpenOption.APPEND);
    if (fault == Fault.DENIED && isData(path)) {
      throw new AccessDeniedException(path + ": 403 for key " + SECRET);
    }
    java.nio.file.Path file = pathToFile(path).toPath();
    if (!Files.exists(file)) {
      throw new FileNotFoundException(path.toString());
    }
    byte[] bytes = Files.readAllBytes(file);
    if (isData(path)) {
      if (fault == Fault.TIMEOUT) {
        throw new SocketTimeoutException("Read timed out");
      }
      int length = bytes.length;
      bytes =
          Arrays.copyOf(
              bytes, fault == Fault.CUT ? length / 2 : fault == Fault.LONG ? length + 1 : length);
    }
    if (fault == Fault.OTHER_BYTES
        && path.getName().equals("values.txt")
        && opened(log, "values.txt") % 2 == 0) {
      bytes[0] ^= 1;
    }
    return new FSDataInputStream(new Bytes(bytes, fault == Fault.SLOW && isData(path)));
  }

  private static boolean isData(Path path) {
    return path.getName().startsWith("variables.data");
  }

  /** Bytes in memory as Hadoop wants them. */
  private static final class Bytes extends ByteArrayInputStream
      implements Seekable, PositionedReadable {
    private final boolean slow;

    Bytes(byte[] bytes, boolean slow) {
      super(bytes);
      this.slow = slow;
    }

    @Override
    public synchronized int read(byte[] buffer, int offset, int length) {
      if (!slow) {
        return super.read(buffer, offset, length);
      }
      try {
        Thread.sleep(100);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
      return super.read(buffer, offset, Math.min(length, 16));
    }

    @Override
    public synchronized void seek(long position) {
      pos = Math.toIntExact(position);
    }

    @Override
    public synchronized long getPos() {
      return pos;
    }

    @Override
    public boolean seekToNewSource(long target) {
      return false;
    }

    @Override
    public synchronized int read(long position, byte[] buffer, int offset, int length) {
      int before = pos;
      try {
        pos = Math.toIntExact(position);
        return super.read(buffer, offset, length);
      } finally {
        pos = before;
      }
    }

    @Override
    public void readFully(long position, byte[] buffer, int offset, int length) throws IOException {
      if (read(position, buffer, offset, length) < length) {
        throw new EOFException();
      }
    }

    @Override
    public void readFully(long position, byte[] buffer) throws IOException {
      readFully(position, buffer, 0, buffer.length);
    }
  }
}
