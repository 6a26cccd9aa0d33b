package io.tensorarrow.spark.tensor.feed;

import io.tensorarrow.spark.errors.CannotMessage;
import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.Remedies;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.tensor.NumberKind;

/**
 * Error messages for rows of a column that cannot be fed. Rows are given by their number in the
 * batch.
 *
 * @param plan what was to be fed
 */
record FeedErrors(FeedPlan plan) {
  TensorArrowException nullCell(int row) {
    return nullFound("a null", row, "a value in each row", column() + " is not null");
  }

  /** Returns the error of a null in a column of arrays. */
  TensorArrowException nullElement(int row) {
    int outerArrays = plan.depth() - 1;
    String elements = "flatten(".repeat(outerArrays) + column() + ")".repeat(outerArrays);
    return nullFound(
        "a null element",
        row,
        "a value in each place of an array",
        "not exists(" + elements + ", x -> x is null)");
  }

  TensorArrowException nullPart(int row) {
    return nullFound(
        "a null part",
        row,
        "both parts of each number",
        plan.depth() == 0
            ? "%1$s.re is not null and %1$s.im is not null".formatted(column())
            : "not exists(%s, x -> x.re is null or x.im is null)".formatted(column()));
  }

  private String column() {
    return Remedies.sqlName(plan.columnName());
  }

  private TensorArrowException nullFound(String found, int row, String expected, String condition) {
    return inRow(
        ErrorCode.TA_NULL_INPUT, found, row, expected + ": " + Remedies.withoutNulls(condition));
  }

  TensorArrowException overflow(int row) {
    boolean infinityFits =
        plan.spec()
            .dtype()
            .kind()
            .filter(kind -> kind.compareTo(NumberKind.FLOATING) >= 0)
            .isPresent();
    return inRow(
        ErrorCode.TA_CAST_OVERFLOW,
        "a " + plan.source().sparkType().simpleString() + " that does not fit",
        row,
        (infinityFits ? "values" : "finite values")
            + " within the range of "
            + plan.spec().dtype().numpyName());
  }

  TensorArrowException inRow(ErrorCode code, String found, int row, String expected) {
    return cannotFeed(code).found("%s", found).inRow(row).expected("%s", expected);
  }

  /** Returns an error of all rows of a call. */
  TensorArrowException ofCall(ErrorCode code, String found, String expected) {
    return cannotFeed(code).found("%s", found).inRowsOfCall().expected("%s", expected);
  }

  private CannotMessage cannotFeed(ErrorCode code) {
    return TensorArrowException.cannot(
        code, "feed column '%s' to tensor %s", plan.columnName(), plan.spec());
  }
}
