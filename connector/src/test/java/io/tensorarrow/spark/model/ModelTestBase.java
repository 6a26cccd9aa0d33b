package io.tensorarrow.spark.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.model.eager.EagerContext;
import io.tensorarrow.spark.model.eager.ModelSettings;
import io.tensorarrow.spark.model.natives.NativeLibraries;
import io.tensorarrow.spark.model.savedmodel.SavedModelFile;
import io.tensorarrow.spark.tensor.NativeTensor;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
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
 * What tests of loaded models share. Each test is a leak test: afterwards no tensor, lease or
 * context may be left.
 */
public abstract class ModelTestBase {
  public static final ModelSettings ONE_THREAD = new ModelSettings(1);

  public @TempDir Path temp;

  /** The cache's clock, in nanoseconds. */
  public final AtomicLong now = new AtomicLong();

  private final List<ModelCache> caches = new ArrayList<>();
  private long tensorsBefore;
  private long leasesBefore;
  private int contextsBefore;

  @BeforeAll
  public static void loadNatives() {
    NativeLibraries.ensureLoaded(Optional.empty());
  }

  @BeforeEach
  public final void count() {
    tensorsBefore = NativeTensor.live();
    leasesBefore = ModelCache.liveLeases();
    contextsBefore = EagerContext.live();
  }

  @AfterEach
  public final void nothingLeaked() {
    caches.forEach(ModelCache::shutdown);
    assertThat(NativeTensor.live()).as("live tensors").isEqualTo(tensorsBefore);
    assertThat(ModelCache.liveLeases()).as("live leases").isEqualTo(leasesBefore);
    assertThat(EagerContext.live()).as("live contexts").isEqualTo(contextsBefore);
  }

  /** Returns a cache that is shut down after the test. */
  public ModelCache cache(int maxModels) {
    return cache(maxModels, Long.MAX_VALUE, new ModelLoader(Optional.empty())::load);
  }

  /** Returns a cache that is shut down after the test. */
  public ModelCache cache(int maxModels, long maxBytes, ModelCache.Loading loading) {
    ExecutorModelSettings limits =
        new ExecutorModelSettings(maxModels, maxBytes, Duration.ofHours(1), Optional.empty());
    ModelCache cache = new ModelCache(limits, loading, now::get);
    caches.add(cache);
    return cache;
  }

  public static ModelReference reference(Path directory) {
    SavedModelFile file = SavedModelFile.read(directory);
    return new ModelReference(file.location(), file.fingerprint(), List.of("serve"));
  }

  public static AbstractStringAssert<?> assertError(ErrorCode code, ThrowingCallable action) {
    TensorArrowException error = catchThrowableOfType(TensorArrowException.class, action);
    assertThat(error).as("an error").isNotNull();
    assertThat(error.code()).as(error.getMessage()).isEqualTo(code);
    return assertThat(error.getMessage());
  }
}
