package io.tensorarrow.spark.inference;

import static io.tensorarrow.spark.errors.TensorArrowException.cannot;

import io.tensorarrow.spark.errors.Alternatives;
import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.inference.ColumnResolver.Column;
import io.tensorarrow.spark.inference.InferenceSpec.InputBinding;
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

  private final List<InputBinding> bindings = new ArrayList<>();
  private final List<Missing> missing = new ArrayList<>();
  private final List<String> ambiguous = new ArrayList<>();
  private final List<TensorArrowException> mistyped = new ArrayList<>();

  InputBinder(ModelSignature signature, ColumnResolver table, CastMode cast) {
    this.signature = signature;
    this.table = table;
    this.cast = cast;
  }

  /** An input without a column, and the name that was looked for. */
  private record Missing(TensorSpec tensor, ColumnName column) {}

  /**
   * Returns the columns that feed the signature's inputs.
   *
   * @param mapping the option {@code inputs}
   * @param errors gets what does not fit
   * @return a binding for each input, in the signature's order; fewer if there are errors
   */
  List<InputBinding> bind(NameMapping<ColumnName> mapping, BindingErrors errors) {
    TensorNames<ColumnName> names = new TensorNames<>(signature.inputs(), mapping);
    for (TensorSpec tensor : signature.inputs()) {
      bind(
          tensor,
          names
              .columns()
              .getOrDefault(tensor, Optional.empty())
              .orElseGet(() -> ColumnName.ofColumn(tensor.name())));
    }
    report(names.problems(), errors);
    return bindings;
  }

  private void bind(TensorSpec tensor, ColumnName name) {
    List<Column> candidates = table.find(name);
    if (candidates.isEmpty()) {
      missing.add(new Missing(tensor, name));
    } else if (candidates.size() > 1) {
      ambiguous.add(
          "%s (columns %s)"
              .formatted(tensor, Alternatives.listed(candidates, c -> "'" + c.path() + "'")));
    } else {
      bind(tensor, candidates.get(0));
    }
  }

  private void bind(TensorSpec tensor, Column column) {
    try {
      InputFeeder.create(tensor, column.path().toString(), column.type(), cast);
      bindings.add(new InputBinding(tensor, column.path()));
    } catch (TensorArrowException e) {
      mistyped.add(e);
    }
  }

  private void report(List<String> nameProblems, BindingErrors errors) {
    List<String> problems = new ArrayList<>();
    TensorNames.add(
        problems,
        "missing",
        missing,
        m -> "%s (%s)".formatted(m.tensor(), table.whyMissing(m.column())));
    TensorNames.add(problems, "ambiguous", ambiguous, text -> text);
    problems.addAll(nameProblems);
    if (problems.isEmpty() && mistyped.size() <= 1) {
      mistyped.forEach(errors::add);
      return;
    }
    ErrorCode code = problems.isEmpty() ? mistyped.get(0).code() : ErrorCode.TA_INPUT_MISMATCH;
    TensorNames.add(problems, "mistyped", mistyped, e -> e.reason().substring(VERB.length()));
    errors.add(
        cannot(code, "feed signature '%s'", signature.name())
            .found(
                "%s; sent: {%s}",
                String.join("; ", problems),
                Alternatives.listed(
                    listedColumns(), c -> "'" + c.path() + "' " + c.type().simpleString()))
            .expected(
                "{%s}, each from the column of its name or from one that option inputs names, for instance inputs='%s=column'",
                Alternatives.listed(signature.inputs(), TensorSpec::toString),
                NameMapping.inShortForm(exampleTensor())));
  }

  private List<Column> listedColumns() {
    return missing.isEmpty()
        ? table.columns()
        : Alternatives.closestFirst(
            missing.get(0).column().toString(), table.columns(), c -> c.path().column());
  }

  private String exampleTensor() {
    return signature.inputs().isEmpty() ? "tensor" : signature.inputs().get(0).name();
  }
}
