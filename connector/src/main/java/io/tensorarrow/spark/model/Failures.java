package io.tensorarrow.spark.model;

import io.tensorarrow.spark.errors.TensorArrowException;

/** One failure told to several callers, each with a stack trace of its own. */
final class Failures {
  private Failures() {}

  /**
   * Makes an exception with the same code and message.
   *
   * @param first the failure as it was met first; it becomes the cause
   */
  static TensorArrowException again(TensorArrowException first) {
    String prefix = "[" + first.code() + "] ";
    String message = String.valueOf(first.getMessage());
    return new TensorArrowException(first.code(), message.substring(prefix.length()), first);
  }
}
