package io.tensorarrow.spark.tensor;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import java.io.Serializable;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;
import org.apache.spark.sql.types.ArrayType;
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
 * <p>All rows of one batch have the same shape. Element types are converted by NumPy's casting
 * rules ({@link CastMode}); a value that does not fit is an error, never wrapped and never made
 * infinite. Infinities and NaN pass between floating point types and do not fit integers.
 *
 * <p>Immutable, Serializable and usable by any thread: made on the driver to check, shipped to the
 * executors to feed.
 */
public final class ColumnFeeder implements Serializable {
  private static final long serialVersionUID = 1L;

  private final TensorSpec spec;
  private final String columnName;
  private final ElementType source;
  private final ElementType target;
  private final int depth;

  private ColumnFeeder(
      TensorSpec spec, String columnName, ElementType source, ElementType target, int depth) {
    this.spec = spec;
    this.columnName = columnName;
    this.source = source;
    this.target = target;
    this.depth = depth;
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
    ElementType target =
        ElementType.of(spec.dtype())
            .orElseThrow(() -> unsupported(spec, "dtype " + spec.dtype().numpyName()));
    Dims.whyNotRows(spec.shape())
        .ifPresent(
            why -> {
              throw unsupported(spec, why);
            });
    int depth = 0;
    DataType leaf = columnType;
    while (leaf instanceof ArrayType array) {
      leaf = array.elementType();
      depth++;
    }
    Optional<ElementType> source = ElementType.of(leaf);
    if (source.isEmpty() || !source.get().castsTo(target, cast)) {
      throw mismatch(spec, columnName, columnType, allowedElements(source, target, cast));
    }
    if (!nestingFits(spec.shape().rowDims(), depth)) {
      throw mismatch(spec, columnName, columnType, allowedNesting(spec, target));
    }
    return new ColumnFeeder(spec, columnName, source.get(), target, depth);
  }

  /** Returns the tensor that is fed. */
  public TensorSpec spec() {
    return spec;
  }

  /** Returns the name of the column that is read. */
  public String columnName() {
    return columnName;
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
    return new Feed(this, column, rows).run();
  }

  /** Returns how deep the column's arrays are nested: 0 for scalars. */
  int depth() {
    return depth;
  }

  /**
   * Returns whether the column holds one array per row in which all inner dimensions lie in
   * row-major order.
   */
  boolean isFlat() {
    return depth == 1 && spec.shape().rowDims().length != 1;
  }

  ElementType source() {
    return source;
  }

  ElementType target() {
    return target;
  }

  private static boolean nestingFits(long[] rowDims, int depth) {
    return switch (depth) {
      case 0 -> rowDims.length == 0 || (rowDims.length == 1 && rowDims[0] == 1);
      case 1 -> rowDims.length == 1 || (rowDims.length > 1 && Dims.unknowns(rowDims) <= 1);
      default -> rowDims.length == depth;
    };
  }

  private static String allowedElements(
      Optional<ElementType> source, ElementType target, CastMode cast) {
    String allowed =
        target.sources(cast).stream()
            .map(t -> t.sparkType().simpleString())
            .collect(Collectors.joining(", "));
    return "elements of type "
        + allowed
        + " with cast="
        + lower(cast)
        + source.map(t -> ", or cast=" + lower(t.leastModeTo(target))).orElse("")
        + ", or a CAST of the column to "
        + target.sparkType().simpleString();
  }

  private static String allowedNesting(TensorSpec spec, ElementType target) {
    long[] rowDims = spec.shape().rowDims();
    String scalar = target.sparkType().simpleString();
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

  private static TensorArrowException mismatch(
      TensorSpec spec, String columnName, DataType columnType, String expected) {
    return new TensorArrowException(
        ErrorCode.TA_INPUT_TYPE,
        "Cannot feed column '"
            + columnName
            + "' to tensor "
            + spec
            + ": found type "
            + columnType.catalogString()
            + "; expected "
            + expected);
  }

  private static TensorArrowException unsupported(TensorSpec spec, String found) {
    return new TensorArrowException(
        ErrorCode.TA_TENSOR_UNSUPPORTED,
        "Cannot feed tensor "
            + spec
            + ": found "
            + found
            + "; expected float32, float64, int8, int16, int32 or int64 with an open first dimension"
            + " for the batch, as in (-1, 10)");
  }

  private static String lower(CastMode cast) {
    return cast.name().toLowerCase(Locale.ROOT);
  }
}
