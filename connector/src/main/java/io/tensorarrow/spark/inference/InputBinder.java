package io.tensorarrow.spark.inference;

import io.tensorarrow.spark.errors.Alternatives;
import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.inference.ColumnResolver.Column;
import io.tensorarrow.spark.inference.InferenceSpec.Feed;
import io.tensorarrow.spark.model.savedmodel.ModelSignature;
import io.tensorarrow.spark.options.CastMode;
import io.tensorarrow.spark.options.ColumnName;
import io.tensorarrow.spark.options.NameMapping;
import io.tensorarrow.spark.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Finds a column for each input of a signature. For one use. */
final class InputBinder {
  private static final String VERB = "Cannot feed ";

  private final ModelSignature signature;
  private final ColumnResolver table;
  private final CastMode cast;

  private final List<Feed> feeds = new ArrayList<>();
  private final List<Missing> missing = new ArrayList<>();
  private final List<String> ambiguous = new ArrayList<>();
  private final List<TensorArrowException> mistyped = new ArrayList<>();

  InputBinder(ModelSignature signature, ColumnResolver table, CastMode cast) {
    this.signature = signature;
    this.table = table;
    this.cast = cast;
  }

  /** An input without a column, and the name that was looked for. */
  private record Missing(TensorSpec tensor, ColumnName wanted) {}

  /**
   * Binds.
   *
   * @param mapping the option {@code inputs}
   * @param faults gets what does not fit
   * @return a feed for each input, in the signature's order; fewer if there are faults
   */
  List<Feed> bind(NameMapping<ColumnName> mapping, BindingErrors faults) {
    TensorNames<ColumnName> named = new TensorNames<>(signature.inputs(), mapping);
    for (TensorSpec tensor : signature.inputs()) {
      bind(
          tensor,
          named
              .columns()
              .getOrDefault(tensor, Optional.empty())
              .orElseGet(() -> ColumnName.whole(tensor.name())));
    }
    report(named.faults(), faults);
    return feeds;
  }

  private void bind(TensorSpec tensor, ColumnName wanted) {
    List<Column> found = table.find(wanted);
    if (found.isEmpty()) {
      missing.add(new Missing(tensor, wanted));
    } else if (found.size() > 1) {
      ambiguous.add(
          "%s (columns %s)"
              .formatted(tensor, Alternatives.listed(found, c -> "'" + c.path() + "'")));
    } else {
      bind(tensor, found.get(0));
    }
  }

  private void bind(TensorSpec tensor, Column column) {
    try {
      InputFeeder.create(tensor, column.path().toString(), column.type(), cast);
      feeds.add(new Feed(tensor, column.path()));
    } catch (TensorArrowException e) {
      mistyped.add(e);
    }
  }

  private void report(List<String> misnamed, BindingErrors faults) {
    List<String> found = new ArrayList<>();
    TensorNames.add(
        found,
        "missing",
        missing,
        m -> "%s (%s)".formatted(m.tensor(), table.whyMissing(m.wanted())));
    TensorNames.add(found, "ambiguous", ambiguous, text -> text);
    found.addAll(misnamed);
    if (found.isEmpty() && mistyped.size() <= 1) {
      mistyped.forEach(faults::add);
      return;
    }
    ErrorCode code = found.isEmpty() ? mistyped.get(0).code() : ErrorCode.TA_INPUT_MISMATCH;
    TensorNames.add(found, "mistyped", mistyped, e -> e.reason().substring(VERB.length()));
    faults.add(
        new TensorArrowException(
            code,
            "%ssignature '%s': found %s; sent: {%s}; expected {%s}, each from the column of its name or from one that option inputs names, for instance inputs='%s=column'"
                .formatted(
                    VERB,
                    signature.name(),
                    String.join("; ", found),
                    Alternatives.listed(
                        sent(), c -> "'" + c.path() + "' " + c.type().simpleString()),
                    Alternatives.listed(signature.inputs(), TensorSpec::toString),
                    NameMapping.inShortForm(example()))));
  }

  private List<Column> sent() {
    return missing.isEmpty()
        ? table.columns()
        : Alternatives.closestFirst(
            missing.get(0).wanted().toString(), table.columns(), c -> c.path().column());
  }

  private String example() {
    return signature.inputs().isEmpty() ? "tensor" : signature.inputs().get(0).name();
  }
}
