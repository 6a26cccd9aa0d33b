package io.tensorarrow.spark.model.natives;

import static io.tensorarrow.spark.model.ModelTestBase.assertError;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.host.HostLock;
import io.tensorarrow.spark.model.natives.NativesPrograms.ExtractProbe;
import io.tensorarrow.spark.testing.ChildJvm;
import io.tensorarrow.spark.testing.KillableTask;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Extraction without loading. */
class NativesDirectoryTest {
  @TempDir Path temp;

  @Test
  void killedTaskDoesNotWaitForExtractingProcess() throws Exception {
    Path directory = Files.createDirectory(temp.resolve("natives"));
    Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwx------"));
    try (HostLock others = HostLock.take(directory.resolve("lock"), HostLock.Mode.EXCLUSIVE)) {
      assertThat(others).isNotNull();
      KillableTask<Path> task =
          KillableTask.start(() -> NativesDirectory.of(Optional.of(directory)).extract());
      task.awaitAsleep();
      task.kill();
      assertThatThrownBy(task::get)
          .cause()
          .hasMessageStartingWith("[TA_NATIVES] Cannot extract")
          .hasMessageContaining("found the task interrupted");
    }
    assertThat(names(directory)).containsExactly("lock");
  }

  @Test
  void interruptedExtractionLeavesNoFiles() throws Exception {
    Path directory = temp.resolve("natives");
    AtomicReference<Throwable> error = new AtomicReference<>();
    Thread extracting =
        new Thread(
            () -> {
              try {
                NativesDirectory.of(Optional.of(directory)).extract();
              } catch (TensorArrowException e) {
                error.set(e);
              }
            });
    extracting.start();
    while (extracting.isAlive() && !isExtracting(directory)) {
      Thread.sleep(1);
    }
    extracting.interrupt();
    extracting.join();
    assertThat(error.get()).hasMessageStartingWith("[TA_NATIVES] Cannot extract");
    assertThat(error.get())
        .hasMessageContaining("found the task interrupted; expected it to run on");
    assertThat(names(directory)).doesNotContain("javacpp").noneMatch(name -> name.contains("-"));
  }

  private static boolean isExtracting(Path directory) throws IOException {
    return Files.isDirectory(directory)
        && names(directory).stream().anyMatch(name -> name.startsWith("unfinished"));
  }

  @Test
  void interruptedThreadDoesNotWaitForOthers() throws IOException {
    Path directory = temp.resolve("natives");
    Thread.currentThread().interrupt();
    try {
      assertError(ErrorCode.TA_NATIVES, () -> NativesDirectory.of(Optional.of(directory)).extract())
          .contains(directory.toString(), "found the task interrupted");
      assertThat(Thread.currentThread().isInterrupted()).isTrue();
    } finally {
      Thread.interrupted();
    }
    assertThat(names(directory)).containsExactly("lock");
  }

  @Test
  void failedExtractionNamesCauseAndLeavesNoFiles() throws Exception {
    Path base = temp.resolve("full");
    ChildJvm.Result result =
        ChildJvm.finish(ChildJvm.startWithShortFiles(1024, ExtractProbe.class, base.toString()));
    assertThat(result.output())
        .contains("[TA_NATIVES] Cannot extract TensorFlow's libraries to '" + base + "': found ")
        .contains("File too large")
        .contains("; expected a directory on a local disk that this user can write");
    assertThat(names(base)).containsExactly("lock");
  }

  @Test
  void directoryWritableByOthersIsRefused() throws IOException {
    Path open = Files.createDirectory(temp.resolve("open"));
    Files.setPosixFilePermissions(open, PosixFilePermissions.fromString("rwxrwx---"));
    assertError(ErrorCode.TA_NATIVES, () -> NativesDirectory.of(Optional.of(open)).extract())
        .contains(open.toString(), "found permissions rwxrwx---", "expected rwx------");
    assertThat(names(open)).isEmpty();
  }

  @Test
  void fileInPlaceOfDirectoryIsRefused() throws IOException {
    Path file = Files.createFile(temp.resolve("file"));
    assertError(ErrorCode.TA_NATIVES, () -> NativesDirectory.of(Optional.of(file)).extract())
        .contains(file.toString(), "expected a directory");
  }

  @Test
  void platformWithoutLibrariesIsRefused() {
    String arch = System.getProperty("os.arch");
    System.setProperty("os.arch", "s390x");
    try {
      assertError(ErrorCode.TA_NATIVES, () -> NativesDirectory.of(Optional.of(temp)).extract())
          .contains("platform 'linux-s390x'", "org.tensorflow:tensorflow-core-native");
    } finally {
      System.setProperty("os.arch", arch);
    }
  }

  private static List<String> names(Path directory) throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return files.map(file -> file.getFileName().toString()).toList();
    }
  }
}
