package io.tensorarrow.spark.python.shm;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SegmentPoolTest {
  private static final long MIB = 1 << 20;
  private static final int RELEASED = 64;
  private static final int SEEN = 128;

  private final SegmentPool pool =
      new SegmentPool(Path.of("/dev/shm"), 8 * MIB, Duration.ofMinutes(1));

  @TempDir Path directory;

  @AfterEach
  void close() {
    pool.close();
  }

  /** Does what a worker does. */
  private static void write(SegmentLease lease, int offset, int word) throws IOException {
    String file = "/proc/self/fd/" + lease.segment().descriptor();
    try (RandomAccessFile header = new RandomAccessFile(file, "rw")) {
      header.seek(offset);
      header.write(ByteBuffer.allocate(4).order(ByteOrder.nativeOrder()).putInt(word).array());
    }
  }

  private SegmentLease lease(long bytes) {
    return pool.lease(bytes, why -> {}).orElseThrow();
  }

  @Test
  void releasedSegmentsAreLeasedAgainLastOneFirst() throws IOException {
    SegmentLease a = lease(100);
    SegmentLease b = lease(100);
    assertThat(b.segment()).isNotSameAs(a.segment());
    write(a, RELEASED, a.generation());
    pool.state();
    write(b, RELEASED, b.generation());

    SegmentLease again = lease(100);

    assertThat(again.segment()).isSameAs(b.segment());
    assertThat(again.generation()).isEqualTo(2);
    assertThat(b.isCurrent()).isFalse();
    assertThat(pool.state()).isEqualTo(new SegmentPool.State(2 * MIB, 1, 1, 2, 1));
  }

  @Test
  void heldSegmentIsNeitherLeasedNorClosed() throws IOException {
    SegmentLease held = lease(100);
    pool.hold(held);
    write(held, RELEASED, held.generation());
    assertThat(pool.state().leased()).isEqualTo(1);
    assertThat(lease(100).segment()).isNotSameAs(held.segment());

    pool.endHold(held);

    assertThat(lease(100).segment()).isSameAs(held.segment());
  }

  @Test
  void segmentHeldAtTaskEndIsClosedAfterwards() {
    SegmentLease held = lease(100);
    pool.hold(held);
    held.segment().bytes(SegmentLayout.HEADER_BYTES, 1).put((byte) 7);

    pool.end(List.of(held));

    assertThat(pool.state().leased()).isEqualTo(1);
    assertThat(held.segment().bytes(SegmentLayout.HEADER_BYTES, 1).get()).isEqualTo((byte) 7);
    pool.endHold(held);
    assertThat(pool.state()).isEqualTo(new SegmentPool.State(0, 0, 0, 1, 0));
  }

  @Test
  void releaseOfAnotherGenerationFreesNothing() throws IOException {
    SegmentLease a = lease(100);
    write(a, RELEASED, a.generation());
    SegmentLease again = lease(100);
    write(again, RELEASED, a.generation());
    assertThat(pool.state().leased()).isEqualTo(1);
    write(again, RELEASED, again.generation() + 1);
    assertThat(pool.state().leased()).isEqualTo(1);
    write(again, RELEASED, again.generation());
    assertThat(pool.state().leased()).isZero();
  }

  @Test
  void taskEndsOnlyItsOwnLeases() throws IOException {
    SegmentLease early = lease(100);
    SegmentLease kept = lease(100);
    write(early, RELEASED, early.generation());
    SegmentLease anothers = lease(100);
    assertThat(anothers.segment()).isSameAs(early.segment());

    pool.end(List.of(early, kept));

    assertThat(pool.state()).isEqualTo(new SegmentPool.State(MIB, 1, 0, 2, 1));
    assertThat(anothers.isCurrent()).isTrue();
    assertThat(kept.isSeen()).as("nobody waits for a closed one").isTrue();
  }

  @Test
  void leaseIsRefusedWithoutWaitingWhenPoolIsExhausted() throws IOException {
    List<SegmentLease> leases = new ArrayList<>();
    for (Optional<SegmentLease> next = pool.lease(100, why -> {});
        next.isPresent();
        next = pool.lease(100, why -> {})) {
      leases.add(next.get());
    }
    assertThat(leases).hasSize(8);
    List<InlineReason> reasons = new ArrayList<>();
    assertThat(pool.lease(9 * MIB, reasons::add)).isEmpty();
    assertThat(reasons).containsExactly(InlineReason.POOL_EXHAUSTED);
    // Free segments of another size are closed to make space.
    for (SegmentLease lease : leases) {
      write(lease, RELEASED, lease.generation());
    }
    assertThat(pool.lease(6 * MIB, why -> {})).isPresent();
    assertThat(pool.state().bytes()).isLessThanOrEqualTo(8 * MIB);
  }

  @Test
  void sizesAreRoundedUpAndSmallBatchesDoNotTakeLargeSegments() throws IOException {
    SegmentLease large = lease(5 * MIB);
    assertThat(large.segment().size()).isBetween(5 * MIB, 6 * MIB + MIB);
    write(large, RELEASED, large.generation());
    SegmentLease small = lease(100);
    assertThat(small.segment()).isNotSameAs(large.segment());
    assertThat(small.segment().size()).isEqualTo(MIB);
  }

  @Test
  void idleSegmentsAreClosed() throws Exception {
    try (SegmentPool quick = new SegmentPool(Path.of("/dev/shm"), 8 * MIB, Duration.ofMillis(20))) {
      SegmentLease a = quick.lease(100, why -> {}).orElseThrow();
      SegmentLease b = quick.lease(100, why -> {}).orElseThrow();
      write(a, RELEASED, a.generation());
      long end = System.nanoTime() + 30_000_000_000L;
      while (quick.state().bytes() > MIB && System.nanoTime() < end) {
        Thread.sleep(5);
      }
      assertThat(quick.state()).isEqualTo(new SegmentPool.State(MIB, 1, 0, 2, 0));
      assertThat(b.isCurrent()).isTrue();
    }
  }

  @Test
  void requestForNextBatchMarksPreviousSeen() throws IOException {
    SegmentLease a = lease(100);
    assertThat(a.isSeen()).isFalse();
    write(a, SEEN, a.generation());
    assertThat(a.isSeen()).isTrue();
    assertThat(pool.state().leased()).as("views may live on").isEqualTo(1);
  }

  @Test
  void fullDirectoryIsNotTriedAgainAtOnce() {
    try (SegmentPool nowhere =
        new SegmentPool(directory.resolve("missing"), 8 * MIB, Duration.ofMinutes(1))) {
      List<InlineReason> reasons = new ArrayList<>();
      assertThat(nowhere.lease(100, reasons::add)).isEmpty();
      assertThat(nowhere.lease(100, reasons::add)).isEmpty();
      assertThat(reasons).containsOnly(InlineReason.DIRECTORY_FULL).hasSize(2);
      assertThat(nowhere.state()).isEqualTo(new SegmentPool.State(0, 0, 0, 0, 0));
    }
  }

  @Test
  void closedPoolLeasesNothingAndClosesSegmentsWhenTheirLeasesEnd() throws IOException {
    SegmentLease released = lease(100);
    SegmentLease a = lease(100);
    SegmentLease b = lease(100);
    write(released, RELEASED, released.generation());

    pool.close();

    assertThat(pool.lease(100, why -> {})).isEmpty();
    assertThat(pool.state()).isEqualTo(new SegmentPool.State(2 * MIB, 2, 0, 3, 0));
    // A thread may be writing to it.
    a.segment().bytes(4096, 4).putInt(1);
    write(b, RELEASED, b.generation());
    pool.end(List.of(released, a, b));
    assertThat(pool.state()).isEqualTo(new SegmentPool.State(0, 0, 0, 3, 0));
  }
}
