package io.tensorarrow.spark.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import java.util.concurrent.CancellationException;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

class LoadOnceTest {
  private final LoadOnce<String> load = new LoadOnce<>();

  private String run(Supplier<String> attempt) {
    return load.run(attempt, CancellationException.class::isInstance, LoadOnceTest::failure);
  }

  private static TensorArrowException failure(Throwable cause) {
    return TensorArrowException.cannot(ErrorCode.TA_MODEL_LOAD, "load")
        .found("%s", String.valueOf(cause.getMessage()))
        .causedBy(cause)
        .expected("a value");
  }

  private String publish(String value) {
    load.publish(value);
    return value + " for the loader";
  }

  @Test
  void publishedValueIsOutcome() throws InterruptedException {
    assertThat(load.value()).isNull();
    assertThat(run(() -> publish("a"))).isEqualTo("a for the loader");
    assertThat(load.await(() -> false)).isTrue();
    assertThat(load.outcome()).isEqualTo("a");
    assertThat(load.value()).isEqualTo("a");
  }

  @Test
  void failureIsThrownToEachWaiterWithOwnStackTrace() {
    assertThatThrownBy(
            () ->
                run(
                    () -> {
                      throw new IllegalStateException("no disk");
                    }))
        .hasMessage("[TA_MODEL_LOAD] Cannot load: found no disk; expected a value")
        .hasCauseInstanceOf(IllegalStateException.class);
    for (int waiter = 0; waiter < 2; waiter++) {
      assertThatThrownBy(load::outcome)
          .isInstanceOf(TensorArrowException.class)
          .hasMessage("[TA_MODEL_LOAD] Cannot load: found no disk; expected a value")
          .cause()
          .isInstanceOf(TensorArrowException.class);
    }
    assertThat(load.value()).isNull();
  }

  @Test
  void errorOfTheJvmIsThrownAsItIsAndFailsWaiters() {
    assertThatThrownBy(
            () ->
                run(
                    () -> {
                      throw new OutOfMemoryError("a test");
                    }))
        .isInstanceOf(OutOfMemoryError.class);
    assertThatThrownBy(load::outcome)
        .hasMessage("[TA_MODEL_LOAD] Cannot load: found a test; expected a value");
  }

  @Test
  void abandonedAttemptHasNoOutcome() throws InterruptedException {
    assertThatThrownBy(
            () ->
                run(
                    () -> {
                      throw new CancellationException("killed");
                    }))
        .isInstanceOf(CancellationException.class);
    assertThat(load.await(() -> false)).isTrue();
    assertThat(load.outcome()).isNull();
  }

  @Test
  void valuePublishedBeforeFailureStaysOutcomeOfWaiters() {
    assertThatThrownBy(
            () ->
                run(
                    () -> {
                      publish("a");
                      throw new IllegalStateException("afterwards");
                    }))
        .hasMessageContaining("found afterwards");
    assertThat(load.outcome()).isEqualTo("a");
  }

  @Test
  void waitingEndsWhenCancelled() throws InterruptedException {
    assertThat(load.await(() -> true)).isFalse();
  }

  @Test
  void waitingEndsWhenInterrupted() {
    Thread.currentThread().interrupt();
    assertThatThrownBy(() -> load.await(() -> false)).isInstanceOf(InterruptedException.class);
  }
}
