package io.tensorarrow.spark.model;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/**
 * How an executor keeps models.
 *
 * @param maxModels how many models stay loaded; more while more are in use at once
 * @param idleTime how long a model stays loaded that no one uses
 * @param nativesDirectory where TensorFlow's libraries are extracted, or empty for a directory of
 *     the user's own
 * @param modelsDirectory where remote models are copied to, or empty for a directory next to
 *     TensorFlow's libraries
 */
public record ExecutorModelSettings(
    int maxModels,
    Duration idleTime,
    Optional<Path> nativesDirectory,
    Optional<Path> modelsDirectory) {
  /** Checks the limits. */
  public ExecutorModelSettings {
    if (maxModels < 1 || idleTime.isNegative()) {
      throw new IllegalArgumentException(
          "expected at least one model and a positive time, found " + maxModels + ", " + idleTime);
    }
  }

  /** Settings with the models' directory next to TensorFlow's libraries. */
  public ExecutorModelSettings(int maxModels, Duration idleTime, Optional<Path> nativesDirectory) {
    this(maxModels, idleTime, nativesDirectory, Optional.empty());
  }
}
