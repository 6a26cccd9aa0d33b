package io.tensorarrow.spark.tensor;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.tensor.NumberType.Kind;

/**
 * Words what keeps rows of a column out of a tensor. Rows are told by their number in the batch.
 *
 * @param spec the tensor
 * @param columnName the column
 * @param source the type of its elements
 */
record FeedFaults(TensorSpec spec, String columnName, ElementType source) {
  TensorArrowException nullFound(String what, int row) {
    return inRow(
        ErrorCode.TA_NULL_INPUT,
        what,
        row,
        "a value in each row and array: filter such rows out or fill them, for instance with"
            + " coalesce");
  }

  TensorArrowException overflow(int row) {
    boolean infinityFits =
        NumberType.of(spec.dtype()).filter(n -> n.kind().compareTo(Kind.FLOATING) >= 0).isPresent();
    return inRow(
        ErrorCode.TA_CAST_OVERFLOW,
        "a " + source.sparkType().simpleString() + " that does not fit",
        row,
        (infinityFits ? "values" : "finite values")
            + " within the range of "
            + spec.dtype().numpyName());
  }

  TensorArrowException inRow(ErrorCode code, String found, int row, String expected) {
    return of(code, found + " in row " + row + " of the batch", expected);
  }

  TensorArrowException of(ErrorCode code, String found, String expected) {
    return new TensorArrowException(
        code,
        "Cannot feed column '"
            + columnName
            + "' to tensor "
            + spec
            + ": found "
            + found
            + "; expected "
            + expected);
  }
}
