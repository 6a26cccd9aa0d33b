package io.tensorarrow.spark.host;

import static org.assertj.core.api.Assertions.assertThat;

import io.tensorarrow.spark.testing.ChildJvm;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HostLockTest {
  @TempDir private Path temp;

  @Test
  void exclusiveLockExcludesOtherProcessesUntilClosed() throws Exception {
    Path file = temp.resolve("it.lock");
    try (HostLock exclusive = HostLock.take(file, HostLock.Mode.EXCLUSIVE)) {
      assertThat(another(file, HostLock.Mode.SHARED)).isEqualTo("refused");
      exclusive.touch();
      assertThat(another(file, HostLock.Mode.SHARED)).isEqualTo("refused");
      assertThat(HostLock.tryTake(file, HostLock.Mode.SHARED)).isEmpty();
      assertThat(another(file, HostLock.Mode.SHARED)).isEqualTo("refused");
    }
    assertThat(another(file, HostLock.Mode.EXCLUSIVE)).isEqualTo("taken");
  }

  @Test
  void sharedLockAdmitsOtherReaders() throws Exception {
    Path file = temp.resolve("it.lock");
    try (HostLock shared = HostLock.take(file, HostLock.Mode.SHARED)) {
      shared.touch();
      assertThat(another(file, HostLock.Mode.SHARED)).isEqualTo("taken");
      assertThat(another(file, HostLock.Mode.EXCLUSIVE)).isEqualTo("refused");
    }
  }

  @Test
  void touchSetsTimeOfLockFile() throws IOException {
    Path file = Files.createFile(temp.resolve("it.lock"));
    for (HostLock.Mode mode : HostLock.Mode.values()) {
      Instant longAgo = Instant.now().minus(Duration.ofDays(9));
      Files.setLastModifiedTime(file, FileTime.from(longAgo));
      try (HostLock lock = HostLock.take(file, mode)) {
        lock.touch();
      }
      assertThat(Files.getLastModifiedTime(file).toInstant())
          .isAfter(longAgo.plus(Duration.ofDays(8)));
    }
  }

  private static String another(Path file, HostLock.Mode mode) throws Exception {
    ChildJvm.Result result = ChildJvm.run(List.of(), LockProbe.class, file.toString(), mode.name());
    assertThat(result.exitCode()).as(result.output()).isZero();
    return result.output().strip();
  }

  /** Tells whether a process gets the lock. */
  static final class LockProbe {
    private LockProbe() {}

    public static void main(String[] args) throws IOException {
      boolean taken =
          HostLock.tryTake(Path.of(args[0]), HostLock.Mode.valueOf(args[1])).isPresent();
      System.out.println(taken ? "taken" : "refused");
    }
  }
}
