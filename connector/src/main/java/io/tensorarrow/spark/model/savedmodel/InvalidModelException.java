package io.tensorarrow.spark.model.savedmodel;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import org.jspecify.annotations.Nullable;

/** Why a directory holds no complete SavedModel. */
public final class InvalidModelException extends Exception {
  private static final long serialVersionUID = 1L;

  private final ErrorCode code;
  private final String found;
  private final String expected;

  private InvalidModelException(
      ErrorCode code, String found, String expected, @Nullable Throwable cause) {
    super(found, cause);
    this.code = code;
    this.found = found;
    this.expected = expected;
  }

  /** There is no SavedModel. */
  static InvalidModelException notFound(String found, String expected) {
    return new InvalidModelException(ErrorCode.TA_MODEL_NOT_FOUND, found, expected, null);
  }

  /** There is one, but parts of it are missing or not as TensorFlow wrote them. */
  public static InvalidModelException corrupt(String found, String expected) {
    return corrupt(found, expected, null);
  }

  /** There is one, but it can't be understood. */
  public static InvalidModelException corrupt(
      String found, String expected, @Nullable Throwable cause) {
    return new InvalidModelException(
        ErrorCode.TA_MODEL_CORRUPT, found, expected + " (copy or save the model again)", cause);
  }

  /** Returns what was found. */
  String found() {
    return found;
  }

  /** Returns the error to raise. */
  public TensorArrowException of(String location) {
    return TensorArrowException.cannot(code, "read model '%s'", location)
        .found("%s", found)
        .causedBy(getCause())
        .expected("%s", expected);
  }
}
