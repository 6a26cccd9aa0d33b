package io.tensorarrow.spark.tensor.fetch;

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
  /** Returns the refusal of what the model returned for the rows of a call. */
  TensorArrowException refusal(ErrorCode code, String found, String expected) {
    return TensorArrowException.ofCall(code, upTo(found), "; expected " + expected);
  }

  /**
   * Returns the refusal of what the model returned for one row.
   *
   * @param row which of the rows that were fed, from 0
   */
  TensorArrowException refusalOfRow(ErrorCode code, String found, int row, String expected) {
    return TensorArrowException.ofRow(code, upTo(found), row, "; expected " + expected);
  }

  private String upTo(String found) {
    return "Cannot fetch tensor " + spec + " into column '" + name + "': found " + found;
  }
}
