package io.tensorarrow.spark.model;

import static org.assertj.core.api.Assertions.assertThat;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.model.eager.EagerModel;
import io.tensorarrow.spark.model.eager.ModelSettings;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Loads models, but stops its first attempt until the test lets it go on or fail. An interrupted
 * first attempt fails.
 */
final class GatedLoader implements ModelCache.Loading {
  private final ModelLoader loader = new ModelLoader(Optional.empty());
  private final AtomicInteger attempts = new AtomicInteger();
  private final CountDownLatch started = new CountDownLatch(1);
  private final CountDownLatch gate = new CountDownLatch(1);
  private volatile @Nullable RuntimeException failure;

  @Override
  public EagerModel load(ModelReference model, ModelSettings settings, BooleanSupplier cancelled) {
    if (attempts.getAndIncrement() == 0) {
      started.countDown();
      awaitGate();
      RuntimeException injected = failure;
      if (injected != null) {
        throw injected;
      }
    }
    return loader.load(model, settings, cancelled);
  }

  private void awaitGate() {
    try {
      gate.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw TensorArrowException.cannot(ErrorCode.TA_MODEL_LOAD, "load")
          .found("a kill")
          .causedBy(e)
          .expected("none");
    }
  }

  void awaitFirstAttempt() throws InterruptedException {
    assertThat(started.await(30, TimeUnit.SECONDS)).as("a first attempt").isTrue();
  }

  void releaseFirstAttempt() {
    gate.countDown();
  }

  void failFirstAttempt(RuntimeException exception) {
    failure = exception;
    gate.countDown();
  }

  int attempts() {
    return attempts.get();
  }
}
