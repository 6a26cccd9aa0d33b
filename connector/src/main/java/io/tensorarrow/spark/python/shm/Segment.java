package io.tensorarrow.spark.python.shm;

import com.sun.security.auth.module.UnixSystem;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.util.HexFormat;
import java.util.Set;
import java.util.regex.Pattern;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.ForeignAllocation;
import org.apache.arrow.memory.util.MemoryUtil;
import org.apache.spark.storage.StorageUtils;
import org.apache.spark.unsafe.Platform;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Memory that this process shares with others: an unlinked file on a file system in memory, mapped
 * for as long as the segment lives.
 *
 * <p>The file is created with mode 0600 under a random, unused name, and unlinked at once: a
 * process that dies leaves nothing behind or, if it dies in that very moment, an empty file, which
 * a later process {@linkplain #sweep sweeps}. All its pages are written before it is mapped, so
 * that touching them can't fail for lack of space (the system would kill the process). Others open
 * it as {@code /proc/<pid>/fd/<fd>}.
 *
 * <p>Owns the file and the mapping; {@link #close} ends both, after which nothing here may be
 * called. Processes that have mapped it keep the pages. Words may be read and written by any
 * thread, in this process and others; everything else by one thread at a time.
 */
public final class Segment implements AutoCloseable {
  /** The most bytes of a segment: what Java can map at once, less what rounding up may add. */
  public static final long MAX_BYTES = 1L << 30;

  private static final Logger LOG = LoggerFactory.getLogger(Segment.class);

  private static final String PREFIX = "tensorarrow-";
  private static final int NAME_BYTES = 12;
  private static final Pattern NAME = Pattern.compile(PREFIX + "[0-9a-f]{" + 2 * NAME_BYTES + "}");
  private static final Duration MAX_CREATION_TIME = Duration.ofHours(1);
  private static final int WRITE_BYTES = 1 << 20;
  private static final Path DESCRIPTORS = Path.of("/proc/self/fd");
  private static final SecureRandom RANDOM = new SecureRandom();
  private static final VarHandle WORDS =
      MethodHandles.byteBufferViewVarHandle(int[].class, ByteOrder.nativeOrder());

  private final RandomAccessFile file;
  private final int descriptor;
  private final MappedByteBuffer mapping;
  private final long address;

  private Segment(RandomAccessFile file, int descriptor, MappedByteBuffer mapping) {
    this.file = file;
    this.descriptor = descriptor;
    this.mapping = mapping;
    this.address = MemoryUtil.getByteBufferAddress(mapping);
  }

  /**
   * Creates a segment whose bytes are 0.
   *
   * @param directory a directory on a file system in memory, such as {@code /dev/shm}
   * @param bytes its size, at most {@link #MAX_BYTES}
   * @throws IOException if there is not enough space, or the directory can't be used; nothing is
   *     left then
   */
  public static Segment create(Path directory, long bytes) throws IOException {
    if (bytes <= 0 || bytes > MAX_BYTES) {
      throw new IllegalArgumentException("a segment of " + bytes + " bytes");
    }
    Path name = directory.toRealPath().resolve(PREFIX + randomName());
    // CREATE_NEW follows no link and takes no file that is there.
    FileChannel.open(
            name,
            Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")))
        .close();
    RandomAccessFile file;
    Object key;
    try {
      key = key(name);
      // Not a FileChannel: an interrupt would close it, and workers could not open the file.
      file = new RandomAccessFile(name.toFile(), "rw");
    } finally {
      Files.deleteIfExists(name);
    }
    try {
      int descriptor = descriptor(key);
      reserve(file, bytes);
      return new Segment(file, descriptor, map(descriptor, bytes));
    } catch (Throwable e) {
      file.close();
      throw e;
    }
  }

  /**
   * Deletes the files of this user's processes that were killed between the creation of a segment's
   * file and the deletion of its name. Such files are empty. Those younger than an hour stay: their
   * processes may be about to delete them.
   *
   * @param directory where segments are made
   * @throws IOException if the directory can't be read
   */
  public static void sweep(Path directory) throws IOException {
    long self = new UnixSystem().getUid();
    Instant latest = Instant.now().minus(MAX_CREATION_TIME);
    try (DirectoryStream<Path> names = Files.newDirectoryStream(directory, PREFIX + "*")) {
      for (Path name : names) {
        try {
          if (isAbandoned(name, self, latest)) {
            Files.deleteIfExists(name);
          }
        } catch (IOException e) {
          LOG.debug("Cannot delete the abandoned name {}", name, e);
        }
      }
    } catch (DirectoryIteratorException e) {
      throw e.getCause();
    }
  }

  private static boolean isAbandoned(Path name, long self, Instant latest) throws IOException {
    BasicFileAttributes file =
        Files.readAttributes(name, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
    return NAME.matcher(name.getFileName().toString()).matches()
        && file.isRegularFile()
        && file.size() == 0
        && file.lastModifiedTime().toInstant().isBefore(latest)
        && ((Integer) Files.getAttribute(name, "unix:uid")).longValue() == self;
  }

  private static String randomName() {
    byte[] name = new byte[NAME_BYTES];
    RANDOM.nextBytes(name);
    return HexFormat.of().formatHex(name);
  }

  /** Returns the identity of a file (device and inode), which does not depend on its name. */
  private static Object key(Path file) throws IOException {
    return Files.readAttributes(file, BasicFileAttributes.class).fileKey();
  }

  /** Finds a file's descriptor in {@code /proc/self/fd}: Java has no method for it. */
  private static int descriptor(Object key) throws IOException {
    try (DirectoryStream<Path> open = Files.newDirectoryStream(DESCRIPTORS)) {
      for (Path link : open) {
        try {
          if (key(link).equals(key)) {
            return Integer.parseInt(link.getFileName().toString());
          }
        } catch (IOException e) {
          // Closed meanwhile by another thread, or nothing that has attributes.
        }
      }
    }
    throw new IOException("no descriptor of the file just opened");
  }

  private static void reserve(RandomAccessFile file, long bytes) throws IOException {
    byte[] zeros = new byte[(int) Math.min(WRITE_BYTES, bytes)];
    for (long written = 0; written < bytes; written += zeros.length) {
      file.write(zeros, 0, (int) Math.min(zeros.length, bytes - written));
    }
  }

  private static MappedByteBuffer map(int descriptor, long bytes) throws IOException {
    // An interrupt would close the channel before it is mapped; it is set again afterwards.
    boolean interrupted = Thread.interrupted();
    try (FileChannel channel =
        FileChannel.open(
            DESCRIPTORS.resolve(Integer.toString(descriptor)),
            StandardOpenOption.READ,
            StandardOpenOption.WRITE)) {
      return channel.map(FileChannel.MapMode.READ_WRITE, 0, bytes);
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /** Returns the descriptor under which this process has the file open. */
  public int descriptor() {
    return descriptor;
  }

  /** Returns the size in bytes. */
  public long size() {
    return mapping.capacity();
  }

  /**
   * Reads a word that others write, with acquire semantics: no later read or write of pages is done
   * before. Others write the word with release semantics.
   */
  public int word(int offset) {
    return (int) WORDS.getVolatile(mapping, offset);
  }

  /** Writes a word that others read, with release semantics. */
  public void setWord(int offset, int value) {
    WORDS.setVolatile(mapping, offset, value);
  }

  /** Returns part of the segment, in the machine's byte order; valid until this is closed. */
  public ByteBuffer bytes(long offset, long length) {
    checked(offset, length);
    return mapping.slice((int) offset, (int) length).order(ByteOrder.nativeOrder());
  }

  /** Copies the readable bytes of a buffer into the segment: the only copy of a tensor. */
  public void write(long offset, ArrowBuf source) {
    long length = source.readableBytes();
    checked(offset, length);
    Platform.copyMemory(
        null, source.memoryAddress() + source.readerIndex(), null, address + offset, length);
  }

  /**
   * Returns part of the segment as an Arrow buffer.
   *
   * @param allocator counts its bytes
   * @param release called when the last reference is gone; until then this must not be closed
   */
  public ArrowBuf buffer(long offset, long length, BufferAllocator allocator, Runnable release) {
    checked(offset, length);
    return allocator.wrapForeignAllocation(
        new ForeignAllocation(length, address + offset) {
          @Override
          protected void release0() {
            release.run();
          }
        });
  }

  private long checked(long offset, long length) {
    if (offset < 0 || length < 0 || offset > size() - length) {
      throw new IndexOutOfBoundsException(
          length + " bytes at " + offset + " of a segment of " + size());
    }
    return offset;
  }

  @Override
  public void close() {
    StorageUtils.dispose(mapping);
    try {
      file.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
