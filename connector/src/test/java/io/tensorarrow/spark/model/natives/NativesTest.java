package io.tensorarrow.spark.model.natives;

import static org.assertj.core.api.Assertions.assertThat;

import io.tensorarrow.spark.model.natives.NativesPrograms.DeletedProbe;
import io.tensorarrow.spark.model.natives.NativesPrograms.LoadersProbe;
import io.tensorarrow.spark.model.natives.NativesPrograms.NativesProbe;
import io.tensorarrow.spark.model.natives.NativesPrograms.SessionsProbe;
import io.tensorarrow.spark.model.natives.NativesPrograms.WaitingProbe;
import io.tensorarrow.spark.testing.ChildJvm;
import io.tensorarrow.spark.testing.TestModels;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;

/**
 * Loading happens once per process, so it is tried in processes of its own. They share a directory,
 * since it takes a while to fill.
 */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class NativesTest {
  @TempDir static Path shared;
  @TempDir Path temp;

  @Test
  @Order(1)
  void concurrentProcessesExtractOnceIntoUserDirectory() throws Exception {
    Path home = Files.createDirectory(shared.resolve("home"));
    Path cache = Files.createDirectory(home.resolve(".cache"));
    // Left by a process that was killed while it extracted.
    Path leftover = Files.createDirectories(cache.resolve("tensorarrow/unfinished-1"));
    Files.setPosixFilePermissions(
        leftover.getParent(), PosixFilePermissions.fromString("rwx------"));
    Files.writeString(leftover.resolve("libtensorflow_cc.so.2"), "half");

    List<Process> processes = List.of(startProbe(home, ""), startProbe(home, ""));
    for (Process process : processes) {
      ChildJvm.Result result = ChildJvm.finish(process);
      assertThat(result.exitCode()).as(result.output()).isZero();
      assertThat(result.output())
          .contains("version 2.18", "maxPhysicalBytes 0", "maxBytes 0", "properties unchanged");
      assertThat(mapped(result))
          .hasSize(3)
          .allMatch(file -> file.startsWith(extracted().toString()));
    }
    assertThat(names(cache.resolve("tensorarrow")))
        .containsExactlyInAnyOrder("javacpp", "lock", extracted().getFileName().toString());
    assertThat(extracted().getFileName().toString()).startsWith("tensorflow-1.");
    assertThat(home.resolve(".javacpp")).as("JavaCPP's own cache").doesNotExist();
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(extracted())))
        .isEqualTo("rwx------");
  }

  @Test
  @Order(2)
  void laterProcessesReuseExtractedLibraries() throws Exception {
    Object before = Files.getLastModifiedTime(extracted().resolve("libtensorflow_cc.so.2"));
    ChildJvm.Result result = ChildJvm.finish(startProbe(shared.resolve("home"), ""));
    assertThat(result.exitCode()).as(result.output()).isZero();
    assertThat(Files.getLastModifiedTime(extracted().resolve("libtensorflow_cc.so.2")))
        .isEqualTo(before);
  }

  @Test
  @Order(3)
  void truncatedLibraryIsExtractedAgain() throws Exception {
    try (RandomAccessFile file =
        new RandomAccessFile(extracted().resolve("libtensorflow_cc.so.2").toFile(), "rw")) {
      file.setLength(1000);
    }
    String directory = shared.resolve("home/.cache/tensorarrow").toString();
    ChildJvm.Result result = ChildJvm.finish(startProbe(shared.resolve("home"), directory));
    assertThat(result.exitCode()).as(result.output()).isZero();
    assertThat(result.output()).contains("version 2.18");
    assertThat(Files.size(extracted().resolve("libtensorflow_cc.so.2"))).isGreaterThan(1000);
    assertThat(names(cache())).noneMatch(name -> name.startsWith("unfinished"));
  }

  /** JavaCPP would unpack a copy of its own, which JVMs that start at once overwrite. */
  @Test
  @Order(3)
  void damagedLibraryIsExtractedAgain() throws Exception {
    Path library = extracted().resolve("libtensorflow_framework.so.2");
    long size = Files.size(library);
    try (RandomAccessFile file = new RandomAccessFile(library.toFile(), "rw")) {
      file.setLength(4096);
      file.setLength(size);
    }
    ChildJvm.Result result = ChildJvm.finish(startProbe(shared.resolve("home"), ""));
    assertThat(result.exitCode()).as(result.output()).isZero();
    assertThat(mapped(result)).hasSize(3).allMatch(file -> file.startsWith(extracted().toString()));
    assertThat(names(cache().resolve("javacpp"))).isEmpty();
    assertThat(names(cache())).noneMatch(name -> name.startsWith("unfinished"));
  }

  @Test
  @Order(4)
  void librariesLoadInSeveralClassLoadersOfOneProcess() throws Exception {
    Path home = shared.resolve("home");
    Path model = TestModels.scale(temp);
    ChildJvm.Result result =
        ChildJvm.finish(
            ChildJvm.start(options(home), environment(home), LoadersProbe.class, model.toString()));
    assertThat(result.exitCode()).as(result.output()).isZero();
    assertThat(result.output())
        .contains("y = 0.0", "y = 2.0", "y = 4.0", "y = 6.0", "y = 8.0", "y = 10.0")
        .containsSubsequence(Collections.nCopies(3, "contexts 1, then 0"));
    assertThat(names(cache())).noneMatch(name -> name.startsWith("loader"));
    assertThat(home.resolve(".javacpp")).as("JavaCPP's own cache").doesNotExist();
  }

  /** The first one is kept by JavaCPP's thread. */
  @Test
  @Order(4)
  void laterClassLoadersAreCollectedWithTheirSessions() throws Exception {
    Path home = shared.resolve("home");
    ChildJvm.Result result =
        ChildJvm.finish(
            ChildJvm.start(
                options(home),
                environment(home),
                SessionsProbe.class,
                TestModels.scale(temp).toString()));
    assertThat(result.exitCode()).as(result.output()).isZero();
    assertThat(result.output())
        .contains("y = 2.0", "y = 4.0", "y = 6.0", "y = 8.0", "left of 4: 1");
  }

  @Test
  @Order(5)
  void secondCopyAfterDeletionUnderRunningProcessIsRefused() throws Exception {
    Path home = Files.createDirectory(temp.resolve("home"));
    Path cache = Files.createDirectories(home.resolve(".cache/tensorarrow"));
    Files.setPosixFilePermissions(cache, PosixFilePermissions.fromString("rwx------"));
    Path links = Files.createDirectory(cache.resolve(extracted().getFileName()));
    for (String name : names(extracted())) {
      Files.createLink(links.resolve(name), extracted().resolve(name));
    }
    ChildJvm.Result result =
        ChildJvm.finish(
            ChildJvm.start(
                options(home),
                environment(home),
                DeletedProbe.class,
                TestModels.scale(temp).toString(),
                links.toString()));
    assertThat(result.exitCode()).as(result.output()).isZero();
    assertThat(result.output())
        .contains("y = 2.0", "[TA_NATIVES]", "(deleted)", "expected only one per process");
  }

  @Test
  @Order(6)
  void perLoaderCopyOfKilledProcessIsSwept() throws Exception {
    Path twin = Files.createDirectory(cache().resolve("loader-1"));
    Files.createLink(
        twin.resolve("libtensorflow_cc.so.2"), extracted().resolve("libtensorflow_cc.so.2"));
    try (FileChannel channel = FileChannel.open(cache().resolve("lock"), StandardOpenOption.WRITE);
        FileLock lock = channel.lock()) {
      assertThat(lock.isValid()).isTrue();
      ChildJvm.Result whileInUse = ChildJvm.finish(startProbe(shared.resolve("home"), ""));
      assertThat(whileInUse.exitCode()).as(whileInUse.output()).isZero();
      assertThat(twin).as("a set that someone may use").isDirectory();
    }
    ChildJvm.Result result = ChildJvm.finish(startProbe(shared.resolve("home"), ""));
    assertThat(result.exitCode()).as(result.output()).isZero();
    assertThat(twin).doesNotExist();
    assertThat(extracted().resolve("libtensorflow_cc.so.2")).exists();
  }

  @Test
  void killedTaskDoesNotWaitForLoadingThread() throws Exception {
    ChildJvm.Result result = ChildJvm.run(List.of(), WaitingProbe.class);
    assertThat(result.exitCode()).as(result.output()).isZero();
    assertThat(result.output())
        .contains("[TA_NATIVES] Cannot load TensorFlow's libraries: found the task interrupted")
        .contains("then version 2.18");
  }

  private static Process startProbe(Path home, String directory) throws IOException {
    return ChildJvm.start(options(home), environment(home), NativesProbe.class, directory);
  }

  private static List<String> options(Path home) {
    return List.of("-Duser.home=" + home, "-Djava.library.path=/nowhere", "-Duser.timezone=UTC");
  }

  private static Map<String, String> environment(Path home) {
    return Map.of("HOME", home.toString(), "XDG_CACHE_HOME", "", "TF_CPP_MIN_LOG_LEVEL", "2");
  }

  private static Path cache() {
    return shared.resolve("home/.cache/tensorarrow");
  }

  private static Path extracted() {
    try (Stream<Path> files = Files.list(cache())) {
      return files
          .filter(file -> file.getFileName().toString().startsWith("tensorflow-"))
          .findFirst()
          .orElseThrow()
          .toRealPath();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static List<String> names(Path directory) throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return files.map(file -> file.getFileName().toString()).toList();
    }
  }

  private static List<String> mapped(ChildJvm.Result result) {
    return result
        .output()
        .lines()
        .filter(line -> line.startsWith("mapped "))
        .map(line -> line.substring("mapped ".length()))
        .toList();
  }
}
