package io.tensorarrow.spark.model;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/**
 * How an executor keeps models.
 *
 * @param maxModels how many models stay loaded; more while more are in use at once
 * @param maxBytes how many bytes their files may have in total; the last model stays in any case
 * @param idleTime how long a model stays loaded that no one uses
 * @param nativesDirectory where TensorFlow's libraries are extracted, or empty for a directory of
 *     the user's own
 * @param modelsDirectory where remote models are copied to, or empty for a directory next to
 *     TensorFlow's libraries
 */
public record ExecutorModelSettings(
    int maxModels,
    long maxBytes,
    Duration idleTime,
    Optional<Path> nativesDirectory,
    Optional<Path> modelsDirectory) {
  /** Checks the limits. */
  public ExecutorModelSettings {
    if (maxModels < 1 || maxBytes < 0 || idleTime.isNegative()) {
      throw new IllegalArgumentException(
          "expected at least one model, and no negative size or time; found %d, %d, %s"
              .formatted(maxModels, maxBytes, idleTime));
    }
  }

  /** Settings with the models' directory next to TensorFlow's libraries. */
  public ExecutorModelSettings(
      int maxModels, long maxBytes, Duration idleTime, Optional<Path> nativesDirectory) {
    this(maxModels, maxBytes, idleTime, nativesDirectory, Optional.empty());
  }
}
