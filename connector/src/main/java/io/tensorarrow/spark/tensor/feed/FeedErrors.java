package io.tensorarrow.spark.tensor.feed;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.Remedies;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.tensor.NumberKind;
import io.tensorarrow.spark.tensor.TensorSpec;

/**
 * Error messages for rows of a column that cannot be fed. Rows are given by their number in the
 * batch.
 *
 * @param spec the tensor
 * @param columnName the column
 * @param source the type of its elements
 */
record FeedErrors(TensorSpec spec, String columnName, ElementType source) {
  TensorArrowException nullCell(int row) {
    return nullFound("a null", row, "a value in each row", "column is not null");
  }

  /**
   * Words a null in an array.
   *
   * @param depth how deep the column's arrays are nested, at least 1
   */
  TensorArrowException nullElement(int row, int depth) {
    String elements = "flatten(".repeat(depth - 1) + "column" + ")".repeat(depth - 1);
    return nullFound(
        "a null element",
        row,
        "a value in each place of an array",
        "not exists(" + elements + ", x -> x is null)");
  }

  TensorArrowException nullPart(int row, int depth) {
    return nullFound(
        "a null part",
        row,
        "both parts of each number",
        depth == 0
            ? "column.re is not null and column.im is not null"
            : "not exists(column, x -> x.re is null or x.im is null)");
  }

  private TensorArrowException nullFound(String what, int row, String expected, String condition) {
    return inRow(
        ErrorCode.TA_NULL_INPUT, what, row, expected + ": " + Remedies.withoutNulls(condition));
  }

  TensorArrowException overflow(int row) {
    boolean infinityFits =
        spec.dtype().kind().filter(kind -> kind.compareTo(NumberKind.FLOATING) >= 0).isPresent();
    return inRow(
        ErrorCode.TA_CAST_OVERFLOW,
        "a " + source.sparkType().simpleString() + " that does not fit",
        row,
        (infinityFits ? "values" : "finite values")
            + " within the range of "
            + spec.dtype().numpyName());
  }

  TensorArrowException inRow(ErrorCode code, String found, int row, String expected) {
    return TensorArrowException.ofRow(code, upTo(found), row, "; expected " + expected);
  }

  TensorArrowException of(ErrorCode code, String found, String expected) {
    return TensorArrowException.ofCall(code, upTo(found), "; expected " + expected);
  }

  private String upTo(String found) {
    return "Cannot feed column '" + columnName + "' to tensor " + spec + ": found " + found;
  }
}
