package io.tensorarrow.spark.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.model.savedmodel.SavedModelFile;
import io.tensorarrow.spark.testing.ChildJvm;
import io.tensorarrow.spark.testing.TestFileSystem;
import io.tensorarrow.spark.testing.TestFileSystem.Fault;
import io.tensorarrow.spark.testing.TestModels;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Remote models that can't be read or copied. */
class RemoteModelErrorsTest extends RemoteModelTestBase {
  @Test
  void modelChangedOrMissingAfterPlanningFailsToLoad() throws IOException {
    ModelReference reference = plan(Fault.NONE);
    Files.setLastModifiedTime(
        original.resolve("variables").resolve(SHARD), FileTime.fromMillis(1_000));
    loadingFails(ErrorCode.TA_MODEL_CHANGED, reference)
        .contains(
            "found fingerprint " + plan(Fault.NONE).fingerprint(),
            "expected " + reference.fingerprint());
    assertThat(TestFileSystem.opened(log, SHARD)).as("nothing large was copied").isZero();
    Files.move(original, temp.resolve("elsewhere"));
    loadingFails(ErrorCode.TA_MODEL_NOT_FOUND, reference)
        .contains("'test:" + original + "'", "nothing there", "the file system 'test:///'");
    assertThat(kept()).isEmpty();
  }

  @Test
  void unreadableFileFailsWithRedactedErrorAndLeavesNoCopy() throws IOException {
    ModelReference reference = plan(Fault.DENIED);
    assertThatThrownBy(() -> load(reference))
        .isInstanceOfSatisfying(
            TensorArrowException.class,
            e -> assertThat(e.code()).isEqualTo(ErrorCode.TA_MODEL_FETCH))
        .hasMessageContaining("Cannot read model 'test:" + original + "' on host '")
        .hasMessageContaining("AccessDeniedException")
        .hasMessageContaining("403 for key *********(redacted)")
        .hasMessageContaining("fs.* options")
        .hasNoCause();
    assertThat(kept()).isEmpty();
    // The same model, with what it takes.
    load(plan(Fault.NONE));
  }

  @Test
  void truncatedFileFailsAndLeavesNoCopy() throws IOException {
    loadingFails(ErrorCode.TA_MODEL_FETCH, plan(Fault.CUT))
        .contains(" bytes of variables/" + SHARD);
    assertThat(kept()).isEmpty();
  }

  @Test
  void tooLongFileFailsAndLeavesNoCopy() throws IOException {
    long size = Files.size(original.resolve("variables").resolve(SHARD));
    loadingFails(ErrorCode.TA_MODEL_FETCH, plan(Fault.LONG))
        .contains("more than " + size + " bytes of variables/" + SHARD);
    assertThat(kept()).isEmpty();
  }

  @Test
  void readTimeoutIsNotAnInterruption() throws IOException {
    loadingFails(ErrorCode.TA_MODEL_FETCH, plan(Fault.TIMEOUT))
        .contains("Cannot read model", "SocketTimeoutException: Read timed out", "only busy");
    assertThat(Thread.interrupted()).isFalse();
    assertThat(kept()).isEmpty();
  }

  @Test
  void modelChangedWhileCopyingFailsAndLeavesNoCopy() throws IOException {
    original = TestModels.table(temp.resolve("store"));
    Path counted = temp.resolve("other.txt");
    ModelReference reference = plan(original, conf(Fault.OTHER_BYTES, counted));
    Files.delete(counted);
    loadingFails(ErrorCode.TA_MODEL_FETCH, reference).contains("other files in the copy");
    assertThat(kept()).isEmpty();
  }

  @Test
  void missingDiskSpaceFailsBeforeCopying() throws IOException {
    loadingFails(ErrorCode.TA_MODEL_FETCH, plan(Fault.HUGE))
        .contains("free bytes in '" + models, "spark.tensorarrow.models.directory");
    assertThat(TestFileSystem.opened(log, SHARD)).isZero();
    assertThat(kept()).isEmpty();
  }

  @Test
  void listedNamesOutsideModelAreRefused() {
    assertError(ErrorCode.TA_MODEL_FETCH, () -> plan(Fault.FOREIGN_NAMES))
        .contains("'test:/etc/passwd', which is no name below");
  }

  @Test
  void directoryWritableByOthersIsRefused() throws IOException {
    Files.createDirectory(models);
    Files.setPosixFilePermissions(models, PosixFilePermissions.fromString("rwxrwxrwx"));
    loadingFails(ErrorCode.TA_MODEL_FETCH, plan(Fault.NONE))
        .contains("permissions rwxrwxrwx", "expected rwx------", "'" + models + "'");
    assertThat(kept()).isEmpty();
  }

  @Test
  void fileInPlaceOfDirectoryIsRefused() throws IOException {
    Files.createFile(models);
    loadingFails(ErrorCode.TA_MODEL_FETCH, plan(Fault.NONE))
        .contains("in '" + models + "'", "spark.tensorarrow.models.directory");
  }

  @Test
  void directoryThatCannotBeCreatedIsRefused() {
    // Not even root can write there.
    Path system = Path.of("/sys/tensorarrow");
    assertError(ErrorCode.TA_MODEL_FETCH, () -> load(plan(Fault.NONE), system))
        .contains("in '" + system + "'", "spark.tensorarrow.models.directory");
  }

  @Test
  void diskFullWhileCopyingFailsAndLeavesNoCopy() throws Exception {
    original = TestModels.table(temp.resolve("store"));
    Files.write(original.resolve("assets/large"), new byte[1 << 20]);
    Process full =
        ChildJvm.startWithShortFiles(
            512,
            LoadProbe.class,
            original.toString(),
            Fault.NONE.name(),
            log.toString(),
            models.toString());
    ChildJvm.Result result = ChildJvm.finish(full);
    assertThat(result.exitCode()).isEqualTo(1);
    assertThat(result.output())
        .contains(
            "[TA_MODEL_FETCH] Cannot copy model 'test:" + original + "' to host '",
            "File too large",
            "in '" + models + "'; expected a directory on a local disk that this user can write");
    assertThat(TestFileSystem.opened(log, "assets/large")).as("driver and executor").isEqualTo(3);
    assertThat(kept()).isEmpty();
    ModelReference reference = plan(Fault.NONE);
    load(reference);
    assertThat(kept()).containsExactly(copyName(reference));
    assertThat(models.resolve(copyName(reference)).resolve("assets/large")).hasSize(1 << 20);
  }

  @Test
  void unencodableFileNameErrorNamesLocale() throws Exception {
    original = TestModels.table(temp.resolve("store"));
    Files.writeString(original.resolve("assets/w\u00f6rter"), "");
    Process child =
        ChildJvm.start(List.of(), Map.of("LC_ALL", "C"), ReadProbe.class, original.toString());
    ChildJvm.Result result = ChildJvm.finish(child);
    assertThat(result.output().lines())
        .hasSize(2)
        .allSatisfy(
            line ->
                assertThat(line)
                    .contains("of this process does not have", "LC_ALL=C.UTF-8", "executorEnv"));
  }

  /** Reads a local model and a name, and tells what is wrong with them. */
  static final class ReadProbe {
    private ReadProbe() {}

    public static void main(String[] args) {
      try {
        SavedModelFile.read(Path.of(args[0]));
      } catch (TensorArrowException e) {
        System.out.println(e.getMessage());
      }
      try {
        load(
            new ModelReference(args[0] + "/m\u00f6del", "sha256:0", List.of("serve")),
            Path.of(args[0]));
      } catch (TensorArrowException e) {
        System.out.println(e.getMessage());
      }
    }
  }
}
