package io.tensorarrow.spark.errors;

import com.google.errorprone.annotations.FormatMethod;
import com.google.errorprone.annotations.FormatString;
import java.io.Serializable;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/**
 * The one exception that TensorArrow raises on purpose, on the driver and in tasks.
 *
 * <p>Its message begins with the code in brackets, so that the code survives where Spark turns a
 * task's exception into text. It is an {@link IllegalArgumentException} because PySpark shows those
 * by their message alone, and others with the JVM's stack trace.
 *
 * <p>An error of rows is found where only a batch is known. The feeder knows only the row's number
 * in the batch. The partition reader, which knows file and split, adds them with {@link #at}.
 */
public final class TensorArrowException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  private final ErrorCode code;
  private final @Nullable Rows rows;

  /**
   * What is said of the rows of one batch, without their place.
   *
   * @param row the row's number in the batch, or null if the error is that of all the rows of a
   *     call
   */
  private record Rows(String before, @Nullable Integer row, String after) implements Serializable {
    String message() {
      return before + (row == null ? "" : " in row " + row + " of the batch") + after;
    }
  }

  TensorArrowException(ErrorCode code, String message, @Nullable Throwable cause) {
    this(code, message, null, cause);
  }

  private TensorArrowException(
      ErrorCode code, String message, @Nullable Rows rows, @Nullable Throwable cause) {
    super("[" + code + "] " + message, cause);
    this.code = code;
    this.rows = rows;
  }

  static TensorArrowException ofRows(
      ErrorCode code,
      String before,
      @Nullable Integer row,
      String after,
      @Nullable Throwable cause) {
    return of(code, new Rows(before, row, after), cause);
  }

  /**
   * Begins an exception: {@code throw cannot(TA_X, "read '%s'", file).found(...).expected(...)}.
   *
   * @param code what kind of error it is
   * @param format the action that failed, {@code <verb> <thing> '<name>'}, as a format of {@link
   *     String#format}
   */
  @FormatMethod
  public static CannotMessage cannot(ErrorCode code, @FormatString String format, Object... args) {
    return new CannotMessage(code, CannotMessage.text(format, args));
  }

  /**
   * Returns an exception with the same code and message and this one as its cause, for another
   * thread that fails for the same reason: each thread throws its own stack trace.
   */
  public TensorArrowException again() {
    return new TensorArrowException(code, reason(), this);
  }

  /** Returns the same error with more text at the end of its message, and this one as its cause. */
  public TensorArrowException followedBy(String text) {
    return new TensorArrowException(code, reason() + text, this);
  }

  private static TensorArrowException of(ErrorCode code, Rows rows, @Nullable Throwable cause) {
    return new TensorArrowException(code, rows.message(), rows, cause);
  }

  /** Returns whether this is an error of rows whose place is not in the message yet. */
  public boolean isOfRows() {
    return rows != null;
  }

  /** Returns the number in the batch of the row that failed, or empty if no single one is. */
  public OptionalInt row() {
    return rows == null || rows.row == null ? OptionalInt.empty() : OptionalInt.of(rows.row);
  }

  /**
   * Returns the same error of another row.
   *
   * @param row the row's number in the batch
   * @throws IllegalStateException if this is no error of rows
   */
  public TensorArrowException inRow(int row) {
    Rows known = knownRows();
    return like(of(code, new Rows(known.before, row, known.after), getCause()));
  }

  /**
   * Returns the same error with the place of its rows, and with this one's cause, suppressed
   * exceptions and stack trace.
   *
   * @param place where they are, to be read after what was found
   * @param note what explains the place, for the message's end
   * @throws IllegalStateException if this is no error of rows
   */
  public TensorArrowException at(String place, String note) {
    Rows known = knownRows();
    String message = known.before + " " + place + known.after + " (" + note + ")";
    return like(new TensorArrowException(code, message, getCause()));
  }

  private Rows knownRows() {
    if (rows == null) {
      throw new IllegalStateException("no error of rows: " + getMessage());
    }
    return rows;
  }

  private TensorArrowException like(TensorArrowException restated) {
    restated.setStackTrace(getStackTrace());
    for (Throwable suppressed : getSuppressed()) {
      restated.addSuppressed(suppressed);
    }
    return restated;
  }

  /** Returns the message without the code. */
  public String reason() {
    return String.valueOf(getMessage()).substring(code.name().length() + "[] ".length());
  }

  /** Returns what kind of error it is. */
  public ErrorCode code() {
    return code;
  }
}
