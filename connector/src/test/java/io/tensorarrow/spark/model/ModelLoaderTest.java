package io.tensorarrow.spark.model;

import static io.tensorarrow.spark.testing.Tensors.close;
import static io.tensorarrow.spark.testing.Tensors.floats;
import static org.assertj.core.api.Assertions.assertThat;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.model.eager.EagerCall;
import io.tensorarrow.spark.model.eager.EagerModel;
import io.tensorarrow.spark.model.savedmodel.SavedModelFile;
import io.tensorarrow.spark.tensor.NativeTensor;
import io.tensorarrow.spark.testing.FailingModels;
import io.tensorarrow.spark.testing.FileModels;
import io.tensorarrow.spark.testing.TestModels;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class ModelLoaderTest extends ModelTestBase {
  private static EagerModel load(ModelReference reference) {
    return new ModelLoader(Optional.empty()).load(reference, ONE_THREAD, () -> false);
  }

  @Test
  void modelChangedWhileLoadingFailsAndIsFreed() {
    Path directory = TestModels.table(temp);
    ModelReference planned = reference(directory);
    assertError(
            ErrorCode.TA_MODEL_CHANGED,
            () ->
                ModelLoader.loadUnchanged(
                    planned,
                    () -> {
                      EagerModel model = load(planned);
                      append(directory.resolve("assets/values.txt"));
                      return model;
                    }))
        .contains("'" + directory + "' on host '", "expected " + planned.fingerprint());
  }

  @Test
  void modelChangedAfterPlanningIsRefused() {
    Path directory = temp.resolve("model");
    ModelReference planned = reference(TestModels.scaleBy(directory, 2));
    TestModels.scaleBy(directory, 3);
    String found = SavedModelFile.read(directory).fingerprint();
    assertError(ErrorCode.TA_MODEL_CHANGED, () -> cache(1).acquire(planned, ONE_THREAD))
        .contains(directory.toString(), found, planned.fingerprint());
  }

  @Test
  void missingModelErrorNamesHost() {
    Path directory = temp.resolve("gone");
    ModelReference model = new ModelReference(directory.toString(), "sha256:0", List.of("serve"));
    assertError(ErrorCode.TA_MODEL_NOT_FOUND, () -> cache(1).acquire(model, ONE_THREAD))
        .contains(directory.toString(), "on host '", "share", "same path");
  }

  @Test
  void unknownOperationErrorNamesOperation() {
    ModelReference model = reference(FailingModels.unknownOp(temp));
    ModelCache cache = cache(1);
    for (int i = 0; i < 20; i++) {
      assertError(ErrorCode.TA_MODEL_LOAD, () -> cache.acquire(model, ONE_THREAD))
          .contains("MadeUpOperation", "custom operations");
    }
    assertThat(cache.openModels()).isZero();
  }

  @Test
  void reachedOperationsAreCheckedAgainOnExecutor() throws IOException {
    Path read = Files.writeString(temp.resolve("read"), "12345");
    Path written = temp.resolve("written");
    ModelReference reader = reference(FileModels.readsFile(temp, read));
    ModelReference writer = reference(FileModels.writesFileWhenLoaded(temp, written));
    ModelCache cache = cache(4);

    assertError(ErrorCode.TA_OP_NOT_ALLOWED, () -> cache.acquire(writer, ONE_THREAD))
        .contains("'WriteFile'", "initialiser > write");
    assertThat(written).doesNotExist();
    try (ModelLease lease = cache.acquire(reader, ONE_THREAD)) {
      assertError(ErrorCode.TA_OP_NOT_ALLOWED, () -> lease.newCall("serving_default", List.of("y")))
          .contains("'ReadFile'", "serving_default > content");
    }
    try (ModelLease lease = cache.acquire(allowing(reader, "ReadFile"), ONE_THREAD);
        EagerCall call = lease.newCall("serving_default", List.of("y"));
        NativeTensor x = floats(new float[] {1}, 1)) {
      assertThat(lease.loadNanos()).as("not the refused one's place in the cache").isPositive();
      List<NativeTensor> y = call.run(List.of(x));
      assertThat(floats(y.get(0))).containsExactly(6);
      close(y);
    }
    cache.acquire(allowing(writer, "WriteFile"), ONE_THREAD).close();
    assertThat(written).exists();
  }

  /** TensorFlow computes shapes while it imports a graph, and fails if this one is negative. */
  @Test
  void unreachableNodesReadNoFileOnImport() throws IOException {
    Path negative = Files.write(temp.resolve("negative"), new byte[] {-5, -1, -1, -1});
    ModelReference model = reference(FileModels.readsFileForNothing(temp, negative));

    cache(1).acquire(model, ONE_THREAD).close();
    assertError(
            ErrorCode.TA_MODEL_LOAD,
            () -> cache(1).acquire(allowing(model, "ReadFile"), ONE_THREAD))
        .contains("-5");
  }

  private static ModelReference allowing(ModelReference model, String op) {
    return new ModelReference(model.directory(), model.fingerprint(), model.tags(), List.of(op));
  }

  @Test
  void damagedVariablesFailToLoad() throws IOException {
    Path directory = TestModels.mlp(temp);
    Path data = directory.resolve("variables/variables.data-00000-of-00001");
    byte[] bytes = Files.readAllBytes(data);
    bytes[10] ^= 0x55;
    Files.write(data, bytes);
    ModelReference model = reference(directory);
    assertError(ErrorCode.TA_MODEL_LOAD, () -> cache(1).acquire(model, ONE_THREAD))
        .contains(directory.toString(), "hecksum", "copy the model again");
  }

  private static void append(Path file) {
    try {
      Files.writeString(file, "more", StandardOpenOption.APPEND);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }
}
