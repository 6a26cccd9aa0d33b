package io.tensorarrow.spark.tensor.feed;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.options.CastMode;
import io.tensorarrow.spark.tensor.Dims;
import io.tensorarrow.spark.tensor.NativeTensor;
import io.tensorarrow.spark.tensor.TensorSpec;
import io.tensorarrow.spark.tensor.vector.RowSelection;
import java.io.Serializable;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.vectorized.ColumnVector;

/**
 * Feeds rows of one Spark column into one input tensor.
 *
 * <p>Columns and shapes that fit:
 *
 * <ul>
 *   <li>a scalar column: {@code (-1,)} and {@code (-1, 1)};
 *   <li>arrays nested as deep as the tensor has inner dimensions, {@code array<array<float>>} for
 *       {@code (-1, 28, 28)}: each level's length is checked, unknown dimensions are taken from the
 *       batch's first row;
 *   <li>a flat row-major array for any number of inner dimensions, of which one may be unknown: it
 *       is inferred from the first row's length.
 * </ul>
 *
 * <p>All rows of one batch have the same shape.
 *
 * <p>Elements and dtypes that fit:
 *
 * <ul>
 *   <li>numbers and booleans: by NumPy's casting rules ({@link CastMode}). A value that does not
 *       fit is an error, never wrapped and never made infinite; to float16 and bfloat16 it is
 *       rounded to the nearest. Infinities and NaN pass between floating point types and do not fit
 *       integers. For unsigned tensors, SHORT counts as uint8, INT as uint16, LONG as uint32 and
 *       DECIMAL as uint64, as which those come out of models; elsewhere DECIMAL counts as uint64
 *       too. Decimals with a fraction do not fit;
 *   <li>structs of two floats or doubles named {@code re} and {@code im}: complex tensors;
 *   <li>qint8, qint16, qint32, int4 and uint4: their own integers only, BYTE, SHORT, INT, BYTE and
 *       BYTE; quint8 and quint16: SHORT and INT; 8-bit floats: their bits, as SHORT from 0 to 255;
 *   <li>STRING and BINARY: string tensors, the bytes as they are;
 *   <li>BINARY: also uint8 tensors, as an array of bytes;
 *   <li>Spark ML's vectors, dense and sparse: as arrays of doubles.
 * </ul>
 *
 * <p>Immutable, Serializable and usable by any thread: made on the driver to check, shipped to the
 * executors to feed.
 */
public final class ColumnFeeder implements Serializable {
  private static final long serialVersionUID = 1L;

  private final FeedPlan plan;

  private ColumnFeeder(FeedPlan plan) {
    this.plan = plan;
  }

  /**
   * Checks that a column can be fed to a tensor.
   *
   * @param spec the input tensor, as the signature declares it
   * @param columnName the column's name, for messages
   * @param columnType the column's type
   * @param cast which conversions are allowed
   * @return the feeder
   * @throws TensorArrowException with {@link ErrorCode#TA_TENSOR_UNSUPPORTED} if the tensor's dtype
   *     can't be fed, or its shape has no batch axis; with {@link ErrorCode#TA_INPUT_TYPE} if the
   *     column's type does not fit the tensor or {@code cast}
   */
  public static ColumnFeeder create(
      TensorSpec spec, String columnName, DataType columnType, CastMode cast) {
    CellElements cells = CellElements.of(columnType, spec.dtype());
    FeedPlan plan =
        FeedPlan.of(spec, Dims.whyNotRows(spec.shape()), columnName, columnType, cells, cast);
    if (!nestingFits(plan.rowDims(), plan.depth())) {
      throw FeedPlan.mismatch(spec, columnName, columnType, allowedNesting(spec));
    }
    return new ColumnFeeder(plan);
  }

  /** Returns the tensor that is fed. */
  public TensorSpec spec() {
    return plan.spec();
  }

  /** Returns the name of the column that is read. */
  public String columnName() {
    return plan.columnName();
  }

  /**
   * Copies the selected rows into a new tensor of shape {@code [rows.size(), inner dimensions...]}.
   * With no rows there is nothing to infer unknown dimensions from: they are 0.
   *
   * @param column a vector of the type that this feeder was made for; read only during the call
   * @param rows which of its rows
   * @return the tensor, owned by the caller
   * @throws TensorArrowException naming the column, the tensor and the row's number in the batch,
   *     with {@link ErrorCode#TA_NULL_INPUT} for a null cell, array or element; {@link
   *     ErrorCode#TA_INPUT_SHAPE} for an array whose length fits neither the signature nor the
   *     batch's first row; {@link ErrorCode#TA_CAST_OVERFLOW} for a value that does not fit the
   *     tensor's dtype. Nothing is left allocated then
   */
  public NativeTensor feed(ColumnVector column, RowSelection rows) {
    return new DenseFeed(plan, column, rows).run();
  }

  private static boolean nestingFits(long[] rowDims, int depth) {
    return switch (depth) {
      case 0 -> rowDims.length == 0 || (rowDims.length == 1 && rowDims[0] == 1);
      case 1 -> rowDims.length == 1 || (rowDims.length > 1 && Dims.unknowns(rowDims) <= 1);
      default -> rowDims.length == depth;
    };
  }

  private static String allowedNesting(TensorSpec spec) {
    long[] rowDims = spec.shape().rowDims();
    String scalar = FeedPlan.outputTypeName(spec.dtype());
    String nested = "array<".repeat(rowDims.length) + scalar + ">".repeat(rowDims.length);
    if (rowDims.length == 0) {
      return scalar + ", one value for each row";
    }
    if (rowDims.length == 1) {
      return nested;
    }
    return Dims.unknowns(rowDims) > 1
        ? nested + " (a flat array leaves open which of the unknown dimensions is how long)"
        : nested + ", or array<" + scalar + "> flat in row-major order";
  }
}
