package io.tensorarrow.spark.model;

import static io.tensorarrow.spark.testing.Tensors.close;
import static io.tensorarrow.spark.testing.Tensors.floats;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.offset;
import static org.assertj.core.api.InstanceOfAssertFactories.STRING;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.model.eager.EagerCall;
import io.tensorarrow.spark.model.savedmodel.ModelVersions;
import io.tensorarrow.spark.model.savedmodel.SavedModelFile;
import io.tensorarrow.spark.tensor.NativeTensor;
import io.tensorarrow.spark.testing.LogCapture;
import io.tensorarrow.spark.testing.TestFileSystem;
import io.tensorarrow.spark.testing.TestFileSystem.Fault;
import io.tensorarrow.spark.testing.TestModels;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Optional;
import org.apache.logging.log4j.Level;
import org.junit.jupiter.api.Test;

/** Models on a file system that TensorFlow does not know, copied to this host. */
class RemoteModelTest extends RemoteModelTestBase {
  @Test
  void modelIsCopiedOnceAndRunsFromCopy() throws IOException {
    ModelReference reference = plan(Fault.NONE);
    assertThat(TestFileSystem.opened(log, SHARD)).as("opened by the driver").isZero();
    ModelCache cache =
        cache(2, Long.MAX_VALUE, new ModelLoader(Optional.empty(), Optional.of(models))::load);
    float[] row = {1, 2, 3, 4, 5, 6, 7, 8};
    try (ModelLease lease = cache.acquire(reference, ONE_THREAD);
        EagerCall call = lease.newCall("serving_default", List.of("probabilities"));
        NativeTensor x = floats(row, 1, 8)) {
      List<NativeTensor> fetched = call.run(List.of(x));
      float[] found = floats(fetched.get(0));
      close(fetched);
      assertThat(found).containsExactly(TestModels.mlpOf(row), offset(1e-6f));
    }
    load(reference);
    assertThat(TestFileSystem.opened(log, SHARD)).isEqualTo(1);
    assertThat(kept()).containsExactly(copyName(reference));
    assertThat(Files.getPosixFilePermissions(models))
        .isEqualTo(PosixFilePermissions.fromString("rwx------"));
    assertThat(Files.getPosixFilePermissions(models.resolve(kept().get(0))))
        .isEqualTo(PosixFilePermissions.fromString("rwx------"));
  }

  @Test
  void onlyFilesThatTensorFlowReadsAreCopied() throws IOException {
    original = TestModels.table(temp.resolve("store"));
    Files.createDirectories(original.resolve("assets.extra"));
    Files.writeString(original.resolve("assets.extra/big"), "not needed");
    Files.createDirectories(original.resolve("assets/deeper/still"));
    Files.writeString(original.resolve("assets/deeper/still/a b:c"), "read by nobody");
    ModelReference reference = plan(Fault.NONE);
    load(reference);
    Path copy = models.resolve(copyName(reference));
    assertThat(copy.resolve("assets/values.txt")).exists();
    assertThat(copy.resolve("assets/deeper/still/a b:c")).hasContent("read by nobody");
    assertThat(copy.resolve("assets.extra")).doesNotExist();
  }

  @Test
  void fingerprintCoversTimesOfDataFiles() throws IOException {
    String before = plan(Fault.NONE).fingerprint();
    assertThat(before).isNotEqualTo(SavedModelFile.read(original).fingerprint());
    Files.setLastModifiedTime(
        original.resolve("variables").resolve(SHARD), FileTime.fromMillis(1_000));
    assertThat(plan(Fault.NONE).fingerprint()).isNotEqualTo(before);
  }

  @Test
  void copyLoadsAfterOriginalIsGone() throws IOException {
    ModelReference reference = plan(Fault.NONE);
    load(reference);
    Files.move(original, temp.resolve("elsewhere"));
    load(reference);
  }

  @Test
  void alteredCopyIsMadeAgain() throws IOException {
    ModelReference reference = plan(Fault.NONE);
    load(reference);
    Path copy = models.resolve(copyName(reference));
    Files.writeString(copy.resolve("saved_model.pb"), "altered");
    load(reference);
    Files.delete(copy.resolve("variables").resolve(SHARD));
    load(reference);
    Files.write(copy.resolve("variables").resolve(SHARD), new byte[1], StandardOpenOption.APPEND);
    load(reference);
    assertThat(TestFileSystem.opened(log, SHARD)).isEqualTo(4);
    assertThat(kept()).containsExactly(copyName(reference));
  }

  @Test
  void damagedCopyFailsToLoadAndIsMadeAgain() throws IOException {
    ModelReference reference = plan(Fault.NONE);
    load(reference);
    Path shard = models.resolve(copyName(reference)).resolve("variables").resolve(SHARD);
    FileTime time = Files.getLastModifiedTime(shard);
    byte[] bytes = Files.readAllBytes(shard);
    bytes[0] ^= 1;
    Files.write(shard, bytes);
    Files.setLastModifiedTime(shard, time);
    loadingFails(ErrorCode.TA_MODEL_LOAD, reference).contains("Checksum does not match");
    assertThat(kept()).isEmpty();
    load(reference);
    assertThat(kept()).containsExactly(copyName(reference));
    assertThat(TestFileSystem.opened(log, SHARD)).isEqualTo(2);
  }

  @Test
  void latestVersionSkipsPartialUploadsWithWarning() throws IOException {
    Path versions = temp.resolve("store/versions");
    TestModels.scaleBy(versions.resolve("1"), 2);
    Files.createDirectories(versions.resolve("2/variables"));
    Files.move(original, versions.resolve("3"));
    Files.delete(versions.resolve("3/variables").resolve(SHARD));
    try (LogCapture captured = LogCapture.of(ModelVersions.class)) {
      ModelReference reference = plan(versions, conf(Fault.NONE));
      assertThat(reference.directory()).isEqualTo("test:" + versions + "/1");
      assertThat(captured.lines(Level.WARN))
          .singleElement(STRING)
          .contains(
              "Reading version 1 of model test:" + versions,
              "'3' (no variables/" + SHARD,
              "'2' (a directory without saved_model.pb");
    }
  }
}
