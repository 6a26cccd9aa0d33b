package io.tensorarrow.spark.model;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.model.eager.EagerCall;
import java.util.List;

/**
 * The right to use a loaded model, which stays loaded until the lease and all its calls are closed.
 *
 * <p>Thread-safe.
 */
public interface ModelLease extends AutoCloseable {
  /**
   * Makes a call of a signature.
   *
   * @param signature the signature's name
   * @param fetches the outputs to compute, in the order wanted; what only others need is not
   *     computed
   * @return the call, owned by the caller; it may be closed before or after the lease
   * @throws TensorArrowException with {@link ErrorCode#TA_SIGNATURE_NOT_FOUND} or {@link
   *     ErrorCode#TA_OUTPUT_MISMATCH} if there is no such signature or output or an output is named
   *     twice, with {@link ErrorCode#TA_TENSOR_UNSUPPORTED} if a tensor is no value, with {@link
   *     ErrorCode#TA_MODEL_LOAD} if TensorFlow refuses the function
   * @throws IllegalStateException after close
   */
  EagerCall newCall(String signature, List<String> fetches);

  /**
   * Returns the nanoseconds that getting this lease spent on loading the model, 0 if it was loaded
   * or someone else loaded it.
   */
  long loadNanos();

  /** Gives the model back. Closing again does nothing. */
  @Override
  void close();
}
