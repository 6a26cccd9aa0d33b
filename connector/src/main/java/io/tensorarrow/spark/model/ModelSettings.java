package io.tensorarrow.spark.model;

import java.io.Serializable;

/**
 * What a loaded model may use. Models that are loaded with different settings are loaded twice.
 *
 * @param threads how many threads one operation may use, shared by all calls of the model; 0 for
 *     all cores
 */
public record ModelSettings(int threads) implements Serializable {
  /** Checks the number of threads. */
  public ModelSettings {
    if (threads < 0) {
      throw new IllegalArgumentException("negative number of threads: " + threads);
    }
  }
}
