package io.tensorarrow.spark.tensor.fetch;

import io.tensorarrow.spark.errors.CannotMessage;
import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.tensor.TensorSpec;

/**
 * An output and the column it becomes.
 *
 * @param spec the output tensor, as the signature declares it
 * @param name the column's name
 * @param element what its elements become
 */
record OutputColumn(TensorSpec spec, String name, OutputElement element) {
  /** Begins the error of what the model returned. */
  CannotMessage cannotFetch(ErrorCode code) {
    return TensorArrowException.cannot(code, "fetch tensor %s into column '%s'", spec, name);
  }
}
