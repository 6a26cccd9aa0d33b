package io.tensorarrow.spark.errors;

import org.jspecify.annotations.Nullable;

/**
 * The one exception that TensorArrow raises on purpose, on the driver and in tasks.
 *
 * <p>Its message begins with the code in brackets, so that the code survives where Spark turns a
 * task's exception into text. It is an {@link IllegalArgumentException} because PySpark shows those
 * by their message alone, and others with the JVM's stack trace.
 */
public final class TensorArrowException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  private final ErrorCode code;

  /**
   * Makes an exception without a cause.
   *
   * @param code what kind of fault it is
   * @param message {@code Cannot <verb> <thing> '<name>': found ...; expected ...}
   */
  public TensorArrowException(ErrorCode code, String message) {
    this(code, message, null);
  }

  /**
   * Makes an exception that keeps the fault that led to it.
   *
   * @param code what kind of fault it is
   * @param message {@code Cannot <verb> <thing> '<name>': found ...; expected ...}
   * @param cause the underlying fault, kept for the stack trace
   */
  public TensorArrowException(ErrorCode code, String message, @Nullable Throwable cause) {
    super("[" + code + "] " + message, cause);
    this.code = code;
  }

  /** Returns the message without the code. */
  public String reason() {
    return String.valueOf(getMessage()).substring(code.name().length() + "[] ".length());
  }

  /** Returns what kind of fault it is. */
  public ErrorCode code() {
    return code;
  }
}
