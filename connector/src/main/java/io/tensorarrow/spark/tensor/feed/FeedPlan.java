package io.tensorarrow.spark.tensor.feed;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.Remedies;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.options.CastMode;
import io.tensorarrow.spark.tensor.DType;
import io.tensorarrow.spark.tensor.Dims;
import io.tensorarrow.spark.tensor.TensorSpec;
import java.io.Serializable;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;
import org.apache.spark.sql.types.DataType;

/**
 * Which column is fed to which tensor, and how: what every call of a feeder needs. Immutable.
 *
 * @param spec the input tensor, as the signature declares it
 * @param columnName the column's name, for messages
 * @param source the type of the column's elements, which casts to the tensor's dtype
 * @param depth how deep the column's cells are nested: 0 for scalars
 */
record FeedPlan(TensorSpec spec, String columnName, ElementType source, int depth)
    implements Serializable {
  /**
   * Checks that the elements of a column can be fed to a tensor. Whether its nesting fits is for
   * the caller to check.
   *
   * @param whyNoShape why the tensor's shape can't be fed, to be read after "found", if so
   * @param cells what the column's cells are made of
   * @throws TensorArrowException with {@link ErrorCode#TA_TENSOR_UNSUPPORTED} for a tensor that
   *     can't be fed; with {@link ErrorCode#TA_INPUT_TYPE} if the elements do not fit the tensor or
   *     {@code cast}
   */
  static FeedPlan of(
      TensorSpec spec,
      Optional<String> whyNoShape,
      String columnName,
      DataType columnType,
      CellElements cells,
      CastMode cast) {
    if (ElementType.ofOutput(spec.dtype()).isEmpty()) {
      throw unsupported(spec, "dtype " + spec.dtype().numpyName());
    }
    if (whyNoShape.isPresent()) {
      throw unsupported(spec, whyNoShape.get());
    }
    Optional<ElementType> source = cells.type();
    if (source.isEmpty() || !source.get().castsTo(spec.dtype(), cast)) {
      throw mismatch(spec, columnName, columnType, allowedElements(source, spec.dtype(), cast));
    }
    return new FeedPlan(spec, columnName, source.get(), cells.depth());
  }

  /** Returns the tensor's inner dimensions; a tensor of unknown rank has as many as the column. */
  long[] rowDims() {
    return spec.shape().isRankKnown() ? spec.shape().rowDims() : Dims.open(depth);
  }

  /**
   * Returns whether the column holds one array per row in which all inner dimensions are in
   * row-major order.
   */
  boolean isFlat() {
    return depth == 1 && rowDims().length != 1;
  }

  FeedErrors errors() {
    return new FeedErrors(this);
  }

  /** Returns the name of the Spark type that a tensor's elements have as an output. */
  static String outputTypeName(DType dtype) {
    return ElementType.ofOutput(dtype).orElseThrow().sparkType().simpleString();
  }

  static TensorArrowException mismatch(
      TensorSpec spec, String columnName, DataType columnType, String expected) {
    return TensorArrowException.cannot(
            ErrorCode.TA_INPUT_TYPE, "feed column '%s' to tensor %s", columnName, spec)
        .found("type %s", columnType.catalogString())
        .expected("%s", expected);
  }

  private static TensorArrowException unsupported(TensorSpec spec, String found) {
    return TensorArrowException.cannot(ErrorCode.TA_TENSOR_UNSUPPORTED, "feed tensor %s", spec)
        .found("%s", found)
        .expected(
            "any dtype but resource and variant, with an open first dimension for the batch, as in"
                + " (-1, 10)");
  }

  private static String allowedElements(Optional<ElementType> source, DType target, CastMode cast) {
    String allowed =
        ElementType.sources(target, cast).stream()
            .map(type -> type.sparkType().simpleString())
            .distinct()
            .collect(Collectors.joining(", "));
    String otherMode =
        source
            .flatMap(type -> type.strictestModeTo(target))
            .map(mode -> ", or cast=" + lower(mode))
            .orElse("");
    String conversion =
        source.equals(ElementType.ofOutput(target))
            ? ""
            : ", or " + Remedies.convertedTo(outputTypeName(target));
    return "elements of type " + allowed + " with cast=" + lower(cast) + otherMode + conversion;
  }

  private static String lower(CastMode cast) {
    return cast.name().toLowerCase(Locale.ROOT);
  }
}
