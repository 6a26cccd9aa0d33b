package io.tensorarrow.spark.python.shm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.options.ExecutorSettings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SharedMemoryTest {
  private static final String DIRECTORY = "spark.tensorarrow.sharedMemory.directory";
  private static final String BYTES = "spark.tensorarrow.sharedMemory.bytes";

  @TempDir Path directory;

  private static SharedMemory open(Map<String, String> conf) {
    return SharedMemory.open(new ExecutorSettings(conf::get));
  }

  private static void isRefused(Map<String, String> conf, String found) {
    try (SharedMemory memory = open(conf)) {
      assertThat(memory.pool()).isEmpty();
      assertThatThrownBy(memory::checkUsable)
          .isInstanceOfSatisfying(
              TensorArrowException.class,
              e -> assertThat(e.code()).isEqualTo(ErrorCode.TA_HANDOVER))
          .hasMessageContaining("found " + found)
          .hasMessageContaining("--shm-size")
          .hasMessageContaining("medium: Memory")
          .hasMessageContaining(DIRECTORY);
    }
  }

  @Test
  void defaultDirectoryIsUsedWithinTheConfiguredBytes() {
    try (SharedMemory memory = open(Map.of(BYTES, "2m"))) {
      memory.checkUsable();
      assertThat(memory.pool().orElseThrow().lease(1 << 20, why -> {})).isPresent();
      assertThat(memory.pool().orElseThrow().lease(1 << 20, why -> {})).isEmpty();
    }
  }

  @Test
  void explicitDirectoryMayBeOnDisk() {
    try (SharedMemory memory = open(Map.of(DIRECTORY, directory.toString()))) {
      assertThat(memory.pool().orElseThrow().lease(100, why -> {})).isPresent();
      assertThat(directory).isEmptyDirectory();
    }
  }

  @Test
  void openSweepsFilesOfKilledProcesses() throws IOException {
    Path abandoned = Files.createFile(directory.resolve("tensorarrow-0123456789abcdef01234567"));
    Files.setLastModifiedTime(abandoned, FileTime.fromMillis(0));
    try (SharedMemory memory = open(Map.of(DIRECTORY, directory.toString()))) {
      memory.checkUsable();
      assertThat(abandoned).doesNotExist();
    }
  }

  @Test
  void unusableDirectoryErrorNamesCauseAndFix() {
    Path missing = directory.resolve("missing");
    isRefused(Map.of(DIRECTORY, missing.toString()), "no directory " + missing);
    isRefused(Map.of(BYTES, "0"), "it switched off by " + BYTES);
    isRefused(Map.of(BYTES, "100k"), "");
    isRefused(Map.of(DIRECTORY, "/proc"), "");
  }
}
