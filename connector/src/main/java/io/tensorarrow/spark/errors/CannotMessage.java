package io.tensorarrow.spark.errors;

import com.google.errorprone.annotations.FormatMethod;
import com.google.errorprone.annotations.FormatString;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Builds the message of a {@link TensorArrowException}: {@code Cannot <action>: found <found>;
 * expected <expected>}. The three parts are asked for in this order, so a message without one of
 * them does not compile.
 *
 * <p>Parts are format strings of {@link String#format}, formatted alike in every locale. Text that
 * was made elsewhere is passed as an argument of {@code "%s"}.
 *
 * <p>Not thread-safe.
 */
public final class CannotMessage {
  private final ErrorCode code;
  private final String action;
  private boolean placeAfterAction;

  CannotMessage(ErrorCode code, String action) {
    this.code = code;
    this.action = action;
  }

  /**
   * Makes it an error of all rows of a call, whose place {@link TensorArrowException#at} puts
   * behind the action.
   */
  public CannotMessage forRowsOfCall() {
    placeAfterAction = true;
    return this;
  }

  /** Says what was found. */
  @FormatMethod
  public Found found(@FormatString String format, Object... args) {
    return new Found(text(format, args));
  }

  static String text(String format, Object[] args) {
    return String.format(Locale.ROOT, format, args);
  }

  /** A message that lacks what was expected. */
  public final class Found {
    private final String found;
    private boolean ofRows;
    private @Nullable Integer row;
    private @Nullable Throwable cause;

    private Found(String found) {
      this.found = found;
    }

    /**
     * Makes it an error of one row.
     *
     * @param row the row's number in the batch, from 0
     */
    public Found inRow(int row) {
      this.row = row;
      this.ofRows = true;
      return this;
    }

    /**
     * Makes it an error of all rows of a call, whose place {@link TensorArrowException#at} puts
     * behind what was found.
     */
    public Found inRowsOfCall() {
      this.ofRows = true;
      return this;
    }

    /** Keeps the exception that led to this one, for the stack trace. */
    public Found causedBy(@Nullable Throwable cause) {
      this.cause = cause;
      return this;
    }

    /** Says what was expected, and returns the exception to throw. */
    @FormatMethod
    public TensorArrowException expected(@FormatString String format, Object... args) {
      String expected = "; expected " + text(format, args);
      if (placeAfterAction) {
        return TensorArrowException.ofRows(
            code, "Cannot " + action, null, ": found " + found + expected, cause);
      }
      String before = "Cannot " + action + ": found " + found;
      return ofRows
          ? TensorArrowException.ofRows(code, before, row, expected, cause)
          : new TensorArrowException(code, before + expected, cause);
    }
  }
}
