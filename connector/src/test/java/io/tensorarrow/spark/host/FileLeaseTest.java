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

class FileLeaseTest {
  @TempDir private Path temp;

  @Test
  void isKeptFromOtherProcessesUntilItIsClosed() throws Exception {
    Path file = temp.resolve("it.lock");
    try (FileLease exclusive = FileLease.take(file, FileLease.Mode.EXCLUSIVE)) {
      assertThat(another(file, FileLease.Mode.SHARED)).isEqualTo("refused");
      exclusive.touch();
      assertThat(another(file, FileLease.Mode.SHARED)).isEqualTo("refused");
      assertThat(FileLease.tryTake(file, FileLease.Mode.SHARED)).isEmpty();
      assertThat(another(file, FileLease.Mode.SHARED)).isEqualTo("refused");
    }
    assertThat(another(file, FileLease.Mode.EXCLUSIVE)).isEqualTo("taken");
  }

  @Test
  void isSharedByProcessesThatReadOnly() throws Exception {
    Path file = temp.resolve("it.lock");
    try (FileLease shared = FileLease.take(file, FileLease.Mode.SHARED)) {
      shared.touch();
      assertThat(another(file, FileLease.Mode.SHARED)).isEqualTo("taken");
      assertThat(another(file, FileLease.Mode.EXCLUSIVE)).isEqualTo("refused");
    }
  }

  @Test
  void tellsByTheTimeOfTheFileThatItWasUsed() throws IOException {
    Path file = Files.createFile(temp.resolve("it.lock"));
    for (FileLease.Mode mode : FileLease.Mode.values()) {
      Instant longAgo = Instant.now().minus(Duration.ofDays(9));
      Files.setLastModifiedTime(file, FileTime.from(longAgo));
      try (FileLease lease = FileLease.take(file, mode)) {
        lease.touch();
      }
      assertThat(Files.getLastModifiedTime(file).toInstant())
          .isAfter(longAgo.plus(Duration.ofDays(8)));
    }
  }

  private static String another(Path file, FileLease.Mode mode) throws Exception {
    ChildJvm.Result result =
        ChildJvm.run(List.of(), LeaseProbe.class, file.toString(), mode.name());
    assertThat(result.exitCode()).as(result.output()).isZero();
    return result.output().strip();
  }

  /** Tells whether a process gets the lock. */
  static final class LeaseProbe {
    private LeaseProbe() {}

    public static void main(String[] args) throws IOException {
      boolean taken =
          FileLease.tryTake(Path.of(args[0]), FileLease.Mode.valueOf(args[1])).isPresent();
      System.out.println(taken ? "taken" : "refused");
    }
  }
}
