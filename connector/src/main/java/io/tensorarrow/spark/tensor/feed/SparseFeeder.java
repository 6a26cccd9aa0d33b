package io.tensorarrow.spark.tensor.feed;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.options.CastMode;
import io.tensorarrow.spark.tensor.DType;
import io.tensorarrow.spark.tensor.NativeTensor;
import io.tensorarrow.spark.tensor.TensorShape;
import io.tensorarrow.spark.tensor.TensorSpec;
import io.tensorarrow.spark.tensor.vector.RowSelection;
import java.util.List;
import java.util.Optional;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.vectorized.ColumnVector;

/**
 * Feeds rows of one Spark column into one sparse input tensor.
 *
 * <p>What a row stores is fed, at the place where it stores it:
 *
 * <ul>
 *   <li>an array: each element at its index, zeros and empty strings too, as {@code
 *       tf.io.VarLenFeature} does;
 *   <li>a map from INT or BIGINT: each value at its key;
 *   <li>Spark ML's vectors, dense or sparse: each number but zero at its index, since the two forms
 *       are the same vector;
 *   <li>arrays and maps nested as deep as the tensor has inner dimensions. A column of scalars
 *       feeds a tensor of rank 1. A tensor of unknown rank has the column's.
 * </ul>
 *
 * <p>Rows may differ in length. A null element, inner array or inner map stands for nothing; a null
 * row is an error. The dense shape has the signature's inner dimensions, where it leaves them open
 * the length of the batch's longest row, array or vector, or the largest key and one.
 *
 * <p>Elements and dtypes fit as {@link ColumnFeeder} says.
 *
 * <p>Immutable and usable by any thread.
 */
public final class SparseFeeder {
  private final FeedPlan plan;

  private SparseFeeder(FeedPlan plan) {
    this.plan = plan;
  }

  /**
   * Checks that a column can be fed to a tensor.
   *
   * @param spec the sparse input, as the signature declares it
   * @param columnName the column's name, for messages
   * @param columnType the column's type
   * @param cast which conversions are allowed
   * @return the feeder
   * @throws TensorArrowException with {@link ErrorCode#TA_TENSOR_UNSUPPORTED} if the tensor's dtype
   *     can't be fed, or its shape has no batch axis; with {@link ErrorCode#TA_INPUT_TYPE} if the
   *     column's type does not fit the tensor or {@code cast}
   */
  public static SparseFeeder create(
      TensorSpec spec, String columnName, DataType columnType, CastMode cast) {
    Optional<String> whyNoShape =
        spec.shape().equals(TensorShape.of())
            ? Optional.of("shape (), which has no batch axis")
            : Optional.empty();
    CellElements cells = CellElements.withMaps(columnType, spec.dtype());
    FeedPlan plan = FeedPlan.of(spec, whyNoShape, columnName, columnType, cells, cast);
    int rank = plan.rowDims().length;
    if (rank != plan.depth()) {
      throw FeedPlan.mismatch(spec, columnName, columnType, allowedNesting(spec.dtype(), rank));
    }
    return new SparseFeeder(plan);
  }

  /**
   * Copies the selected rows into new tensors.
   *
   * @param column a vector of the type that this feeder was made for; read only during the call
   * @param rows which of its rows
   * @return one tensor for each of the spec's {@link TensorSpec#parts}, in that order, owned by the
   *     caller. Indices are in row-major order, none twice
   * @throws TensorArrowException naming the column, the tensor and the row's number in the batch,
   *     with {@link ErrorCode#TA_NULL_INPUT} for a null row; {@link ErrorCode#TA_INPUT_SHAPE} for
   *     places outside of the signature's shape and for negative or doubled keys; {@link
   *     ErrorCode#TA_CAST_OVERFLOW} for a value that does not fit the tensor's dtype. Nothing is
   *     left allocated then
   */
  public List<NativeTensor> feed(ColumnVector column, RowSelection rows) {
    return new SparseFeed(plan, column, rows).run();
  }

  private static String allowedNesting(DType dtype, int depth) {
    String scalar = FeedPlan.outputTypeName(dtype);
    return depth == 0
        ? scalar + ", one value for each row"
        : "array<".repeat(depth)
            + scalar
            + ">".repeat(depth)
            + ", or map<bigint, ...> in place of array<...>";
  }
}
