package io.tensorarrow.spark.model;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.model.eager.EagerModel;
import io.tensorarrow.spark.testing.TestModels;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class ModelLoaderTest extends ModelTestBase {
  private static EagerModel load(ModelReference reference) {
    return new ModelLoader(Optional.empty()).load(reference, ONE_THREAD, () -> false);
  }

  @Test
  void aModelThatChangesWhileTensorFlowReadsItIsAnErrorAndFreed() {
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

  private static void append(Path file) {
    try {
      Files.writeString(file, "more", StandardOpenOption.APPEND);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }
}
