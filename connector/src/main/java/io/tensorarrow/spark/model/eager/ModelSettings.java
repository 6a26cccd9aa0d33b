package io.tensorarrow.spark.model.eager;

import java.io.Serializable;

/**
 * What a loaded model may use. Models that are loaded with different settings are loaded twice.
 *
 * @param threads how many threads one operation may use, shared by all calls; 0 for all cores.
 *     TensorFlow has one pool of such threads per process, made for the first model, unless the
 *     environment has {@code TF_OVERRIDE_GLOBAL_THREADPOOL}: then each model has its own
 * @param operations how many operations of all calls of the model may run at once, each in a thread
 *     that lives as long as the model; 0 for all cores
 */
public record ModelSettings(int threads, int operations) implements Serializable {
  /** Checks the numbers of threads. */
  public ModelSettings {
    if (threads < 0 || operations < 0) {
      throw new IllegalArgumentException(
          "negative number of threads: " + threads + ", " + operations);
    }
  }

  /** Lets as many operations run at once as there are cores. */
  public ModelSettings(int threads) {
    this(threads, 0);
  }
}
