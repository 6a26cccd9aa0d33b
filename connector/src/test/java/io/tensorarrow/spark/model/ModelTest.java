package io.tensorarrow.spark.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.tensor.NativeTensor;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import org.assertj.core.api.AbstractStringAssert;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/**
 * What tests of loaded models share. Each test is a leak test: afterwards no tensor may be left.
 */
abstract class ModelTest {
  static final ModelSettings ONE_THREAD = new ModelSettings(1);

  @TempDir Path temp;

  /** The cache's clock, in nanoseconds. */
  final AtomicLong now = new AtomicLong();

  private long liveBefore;

  @BeforeAll
  static void loadNatives() {
    Natives.ensureLoaded(Optional.empty());
  }

  @BeforeEach
  final void countTensors() {
    liveBefore = NativeTensor.live();
  }

  @AfterEach
  final void nothingLeaked() {
    assertThat(NativeTensor.live()).as("live tensors").isEqualTo(liveBefore);
  }

  ModelCache cache(int maxModels) {
    return new ModelCache(
        new ExecutorModelSettings(maxModels, Duration.ofHours(1), Optional.empty()),
        new ModelLoader(Optional.empty())::load,
        now::get);
  }

  static ModelReference reference(Path directory) {
    SavedModelFile file = SavedModelFile.read(directory);
    return new ModelReference(file.location(), file.fingerprint(), List.of("serve"));
  }

  static AbstractStringAssert<?> assertError(ErrorCode code, ThrowingCallable action) {
    TensorArrowException error = catchThrowableOfType(TensorArrowException.class, action);
    assertThat(error).as("an error").isNotNull();
    assertThat(error.code()).as(error.getMessage()).isEqualTo(code);
    return assertThat(error.getMessage());
  }
}
