package io.tensorarrow.spark.tensor;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;

/**
 * An output and the column it becomes.
 *
 * @param spec the output tensor, as the signature declares it
 * @param name the column's name
 * @param element what its elements become
 */
record OutputColumn(TensorSpec spec, String name, OutputElement element) {
  /** Returns the refusal of what the model returned. */
  TensorArrowException refusal(ErrorCode code, String found, String expected) {
    return new TensorArrowException(
        code,
        "Cannot fetch tensor "
            + spec
            + " into column '"
            + name
            + "': found "
            + found
            + "; expected "
            + expected);
  }
}
