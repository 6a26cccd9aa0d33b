package io.tensorarrow.spark.python.shm;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.stream.Stream;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SegmentTest {
  private static final Path MEMORY = Path.of("/dev/shm");

  @TempDir Path directory;

  private static Path descriptor(Segment segment) {
    return Path.of("/proc/self/fd", Integer.toString(segment.descriptor()));
  }

  @Test
  void descriptorOpensTheSameBytes() throws IOException {
    try (Segment segment = Segment.create(MEMORY, 100_000)) {
      segment.bytes(50_000, 4).putInt(42);
      try (RandomAccessFile other = new RandomAccessFile(descriptor(segment).toFile(), "rw")) {
        byte[] found = new byte[4];
        other.seek(50_000);
        other.readFully(found);
        assertThat(ByteBuffer.wrap(found).order(segment.bytes(0, 4).order()).getInt())
            .isEqualTo(42);
        assertThat(other.length()).isEqualTo(100_000);
        other.seek(8);
        other.write(new byte[] {1, 1, 1, 1});
      }
      assertThat(segment.word(8)).isEqualTo(0x01010101);
    }
  }

  @Test
  void fileIsUnlinkedAndPrivateToItsOwner() throws IOException {
    try (Segment segment = Segment.create(directory, 4096)) {
      assertThat(directory).isEmptyDirectory();
      assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(descriptor(segment))))
          .isEqualTo("rw-------");
    }
  }

  @Test
  void allPagesAreAllocatedAtCreation() throws IOException {
    int bytes = 3_000_000;
    try (Segment segment = Segment.create(MEMORY, bytes)) {
      String file = "/proc/%d/fd/%d".formatted(ProcessHandle.current().pid(), segment.descriptor());
      Process stat = new ProcessBuilder("stat", "-L", "-c", "%b %B", file).start();
      String[] found =
          new String(stat.getInputStream().readAllBytes(), UTF_8).strip().split(" ", 2);
      assertThat(Long.parseLong(found[0]) * Long.parseLong(found[1])).isGreaterThanOrEqualTo(bytes);
    }
  }

  @Test
  void closeEndsFileAndMapping() throws IOException {
    Segment segment = Segment.create(MEMORY, 4096);
    Path link = descriptor(segment);
    String name = Files.readSymbolicLink(link).getFileName().toString().split(" ", 2)[0];
    assertThat(name).startsWith("tensorarrow-");
    assertThat(mappings()).contains(name);
    segment.close();
    assertThat(mappings()).doesNotContain(name);
    if (Files.exists(link, LinkOption.NOFOLLOW_LINKS)) {
      assertThat(Files.readSymbolicLink(link).toString()).doesNotContain(name);
    }
  }

  @Test
  void sweepDeletesOnlyAbandonedFiles(@TempDir Path elsewhere) throws IOException {
    Path abandoned = file("tensorarrow-0123456789abcdef01234567", 0, Duration.ofHours(2));
    Path recent = file("tensorarrow-0123456789abcdef01234568", 0, Duration.ZERO);
    Path full = file("tensorarrow-0123456789abcdef01234569", 1, Duration.ofHours(2));
    Path another = file("tensorarrow-notes", 0, Duration.ofHours(2));
    Path target = Files.createFile(elsewhere.resolve("empty"));
    Files.setLastModifiedTime(target, FileTime.fromMillis(0));
    Path link = directory.resolve("tensorarrow-0123456789abcdef0123456a");
    Files.createSymbolicLink(link, target);

    Segment.sweep(directory);

    try (Stream<Path> left = Files.list(directory)) {
      assertThat(left).containsExactlyInAnyOrder(recent, full, another, link);
    }
    assertThat(abandoned).doesNotExist();
  }

  private Path file(String name, int bytes, Duration age) throws IOException {
    Path file = Files.write(directory.resolve(name), new byte[bytes]);
    Files.setLastModifiedTime(file, FileTime.from(Instant.now().minus(age)));
    return file;
  }

  private static String mappings() throws IOException {
    return Files.readString(Path.of("/proc/self/maps"));
  }

  @Test
  void interruptedThreadCreatesSegmentAndStaysInterrupted() throws IOException {
    Thread.currentThread().interrupt();
    try (Segment segment = Segment.create(MEMORY, 4096)) {
      assertThat(Thread.interrupted()).isTrue();
      segment.setWord(0, 7);
      assertThat(segment.word(0)).isEqualTo(7);
      assertThat(Files.size(descriptor(segment))).isEqualTo(4096);
    } finally {
      Thread.interrupted();
    }
  }

  @Test
  void accessOutsideOfSegmentIsRefused() throws IOException {
    try (Segment segment = Segment.create(MEMORY, 4096);
        BufferAllocator allocator = new RootAllocator();
        ArrowBuf bytes = allocator.buffer(64)) {
      bytes.writerIndex(64);
      segment.write(4096 - 64, bytes);
      assertThatThrownBy(() -> segment.write(4096 - 63, bytes))
          .isInstanceOf(IndexOutOfBoundsException.class);
      assertThatThrownBy(() -> segment.write(-1, bytes))
          .isInstanceOf(IndexOutOfBoundsException.class);
      assertThatThrownBy(() -> segment.bytes(4096, 1))
          .isInstanceOf(IndexOutOfBoundsException.class);
    }
  }

  @Test
  void failedCreationLeavesNoFile() {
    assertThatThrownBy(() -> Segment.create(directory.resolve("missing"), 4096))
        .isInstanceOf(IOException.class);
    assertThatThrownBy(() -> Segment.create(directory, 0))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> Segment.create(directory, Segment.MAX_BYTES + 1))
        .isInstanceOf(IllegalArgumentException.class);
    assertThat(directory).isEmptyDirectory();
  }
}
