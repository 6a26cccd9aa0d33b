package io.tensorarrow.spark.model.eager;

import static org.tensorflow.internal.c_api.global.tensorflow.TF_DeleteStatus;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_GetCode;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_Message;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_NewStatus;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_OK;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_RESOURCE_EXHAUSTED;

import io.tensorarrow.spark.errors.CannotMessage;
import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import java.nio.charset.StandardCharsets;
import org.tensorflow.internal.c_api.TF_Status;

/**
 * The status that TensorFlow's C functions report to, turned into exceptions that say what can be
 * done. Owns the native status.
 *
 * <p>Not thread-safe.
 */
public final class TensorFlowStatus implements AutoCloseable {
  private static final int MAX_MESSAGE_LENGTH = 2000;

  private final TF_Status status = TF_NewStatus();
  private final ErrorCode code;
  private final String action;
  private boolean closed;

  /**
   * Makes a status.
   *
   * @param code the code of the exceptions
   * @param action what can't be done then: {@code <verb> <thing> '<name>'}
   */
  TensorFlowStatus(ErrorCode code, String action) {
    this.code = code;
    this.action = action;
  }

  /** Returns the native status to pass to one C function, borrowed. */
  TF_Status handle() {
    return status;
  }

  /** Returns what can't be done if TensorFlow reports an error. */
  String action() {
    return action;
  }

  /** Returns whether the last C function reported no error. */
  boolean isOk() {
    return TF_GetCode(status) == TF_OK;
  }

  /**
   * Checks what the last C function reported.
   *
   * @throws TensorArrowException if it reported an error
   */
  void check() {
    if (!isOk()) {
      String message = TF_Message(status).getString(StandardCharsets.UTF_8);
      CannotMessage cannot = TensorArrowException.cannot(code, "%s", action);
      if (code == ErrorCode.TA_MODEL_RUN) {
        cannot.forRowsOfCall();
      }
      throw cannot.found("%s", shortened(message)).expected("%s", remedy(message));
    }
  }

  private static String shortened(String message) {
    return message.length() <= MAX_MESSAGE_LENGTH
        ? message
        : message.substring(0, MAX_MESSAGE_LENGTH) + "...";
  }

  private String remedy(String message) {
    if (TF_GetCode(status) == TF_RESOURCE_EXHAUSTED) {
      return "a tensor for which there is memory outside the heap (lower batchRows or raise"
          + " spark.executor.memoryOverhead)";
    }
    if (message.contains("Could not find variable")
        || message.contains("Error while reading resource variable")
        || message.contains("uninitialized value")) {
      return "every variable restored or initialised (Keras 3 layers held in a tf.Module and saved with"
          + " tf.saved_model.save have two handles per variable, of which only one is restored:"
          + " save it with model.export(), or track variable.value)";
    }
    if (message.contains("No OpKernel was registered")) {
      return "only operations that TensorFlow 2.18 has a kernel for on CPUs (save the model again with"
          + " a newer TensorFlow, or without this operation)";
    }
    if (message.contains("Op type not registered")) {
      return "only operations of TensorFlow 2.18 (libraries of custom operations are not loaded)";
    }
    if (tellsDamage(message)) {
      return "the files as they were saved (copy the model again)";
    }
    return "a model that TensorFlow 2.18 can run on these inputs";
  }

  /** Returns whether TensorFlow says that a file is not as it was written. */
  public static boolean tellsDamage(String message) {
    return message.contains("Checksum does not match") || message.contains("corrupted");
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      TF_DeleteStatus(status);
    }
  }
}
