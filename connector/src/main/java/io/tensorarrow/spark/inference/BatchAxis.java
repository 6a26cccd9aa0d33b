package io.tensorarrow.spark.inference;

import static io.tensorarrow.spark.errors.TensorArrowException.cannot;

import io.tensorarrow.spark.errors.Alternatives;
import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.model.savedmodel.ModelSignature;
import io.tensorarrow.spark.options.ReadOptions;
import io.tensorarrow.spark.tensor.TensorShape;
import io.tensorarrow.spark.tensor.TensorSpec;
import io.tensorarrow.spark.tensor.fetch.TensorColumns;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * The first dimension of a signature's tensors: open, so that any number of rows can be fed at
 * once, or of one size in all inputs, so that each call must have exactly that many. Immutable.
 */
final class BatchAxis {
  private static final String SPARSE =
      "a sparse tensor, which has no line for each row (tf.sparse.to_dense in the signature gives it"
          + " them)";

  private final ModelSignature signature;

  /** The first dimensions of the inputs that have a known rank. */
  private final Set<Long> sizes;

  BatchAxis(ModelSignature signature) {
    this.signature = signature;
    this.sizes =
        signature.inputs().stream()
            .flatMap(input -> size(input).stream())
            .collect(Collectors.toSet());
  }

  /** Checks that the inputs have one batch axis, and one that can be filled. */
  void check(BindingErrors errors) {
    if (sizes.size() > 1) {
      errors.add(
          unsupported(
              "first dimensions that differ in "
                  + Alternatives.listed(signature.inputs(), TensorSpec::toString),
              "all of them open, as in (-1, 10), or all of one size"));
    }
    fixedSize()
        .filter(size -> size < 1 || size > ReadOptions.MAX_BATCH_ROWS)
        .ifPresent(
            size ->
                errors.add(
                    unsupported(
                        "a batch of " + size + " rows in " + signature.inputs().get(0),
                        "1 to " + ReadOptions.MAX_BATCH_ROWS + " rows, or an open batch axis")));
  }

  /**
   * Returns the size of the batches that the signature demands, if it does.
   *
   * @return the size, already checked
   */
  OptionalInt fixedRows() {
    return fixedSize().map(size -> OptionalInt.of(size.intValue())).orElse(OptionalInt.empty());
  }

  /**
   * Returns why an output can't become a column.
   *
   * @return what is in the way, to be read after "found", or empty if nothing is
   */
  Optional<String> whyNotFetched(TensorSpec output) {
    return (output.sparse() ? Optional.of(SPARSE) : TensorColumns.whyNotFetchable(output))
        .or(
            () ->
                size(output)
                    .filter(size -> !matchesInputs(size))
                    .map(size -> fixedSizeText(output)));
  }

  /** Where the inputs' sizes differ, which is an error of its own, any of them is accepted. */
  private boolean matchesInputs(long size) {
    return size == TensorShape.UNKNOWN_DIM || sizes.contains(size);
  }

  private String fixedSizeText(TensorSpec output) {
    String batch = fixedSize().map(size -> " to another size than the batch's " + size).orElse("");
    return "shape " + output.shape() + ", whose first dimension is fixed" + batch;
  }

  private Optional<Long> fixedSize() {
    return sizes.size() == 1
        ? sizes.stream().filter(size -> size != TensorShape.UNKNOWN_DIM).findFirst()
        : Optional.empty();
  }

  private static Optional<Long> size(TensorSpec tensor) {
    return tensor.shape().dims().filter(dims -> !dims.isEmpty()).map(dims -> dims.get(0));
  }

  private TensorArrowException unsupported(String found, String expected) {
    return cannot(ErrorCode.TA_TENSOR_UNSUPPORTED, "feed signature '%s'", signature.name())
        .found("%s", found)
        .expected("%s", expected);
  }
}
