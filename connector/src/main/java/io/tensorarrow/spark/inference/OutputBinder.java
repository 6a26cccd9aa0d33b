package io.tensorarrow.spark.inference;

import static io.tensorarrow.spark.errors.TensorArrowException.cannot;

import io.tensorarrow.spark.errors.Alternatives;
import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.inference.InferenceSpec.OutputBinding;
import io.tensorarrow.spark.model.savedmodel.ModelSignature;
import io.tensorarrow.spark.options.NameMapping;
import io.tensorarrow.spark.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Finds the outputs of a signature to compute, and names their columns. Immutable. */
final class OutputBinder {
  private static final Logger LOG = LoggerFactory.getLogger(OutputBinder.class);

  private final ModelSignature signature;
  private final BatchAxis axis;
  private final StructType table;
  private final boolean caseSensitive;

  OutputBinder(ModelSignature signature, BatchAxis axis, StructType table, boolean caseSensitive) {
    this.signature = signature;
    this.axis = axis;
    this.table = table;
    this.caseSensitive = caseSensitive;
  }

  /**
   * Returns the outputs to compute, with their columns.
   *
   * @param mapping the option {@code outputs}
   * @param errors gets what does not fit
   * @return the selected outputs in the option's order, else all that can be columns; fewer if
   *     there are errors
   */
  List<OutputBinding> bind(Optional<NameMapping<String>> mapping, BindingErrors errors) {
    List<OutputBinding> bindings =
        mapping.map(m -> selected(m, errors)).orElseGet(() -> allFetchable(errors));
    checkClashes(bindings, errors);
    return bindings;
  }

  private List<OutputBinding> selected(NameMapping<String> mapping, BindingErrors errors) {
    TensorNames<String> names = new TensorNames<>(signature.outputs(), mapping);
    if (!names.problems().isEmpty()) {
      errors.add(
          mismatch(
              String.join("; ", names.problems()),
              "each at most once out of {"
                  + Alternatives.listed(signature.outputs(), TensorSpec::toString)
                  + "}"));
    }
    List<OutputBinding> bindings = new ArrayList<>();
    names
        .columns()
        .forEach(
            (tensor, column) ->
                axis.whyNotFetched(tensor)
                    .ifPresentOrElse(
                        why -> errors.add(unsupported(tensor, why)),
                        () ->
                            bindings.add(new OutputBinding(tensor, column.orElse(tensor.name())))));
    return bindings;
  }

  private List<OutputBinding> allFetchable(BindingErrors errors) {
    List<OutputBinding> bindings = new ArrayList<>();
    List<String> skipped = new ArrayList<>();
    for (TensorSpec tensor : signature.outputs()) {
      axis.whyNotFetched(tensor)
          .ifPresentOrElse(
              why -> skipped.add(tensor + ": " + why),
              () -> bindings.add(new OutputBinding(tensor, tensor.name())));
    }
    if (bindings.isEmpty()) {
      errors.add(
          mismatch(
              skipped.isEmpty()
                  ? "none in the signature"
                  : "none that gives a value for each row: {"
                      + Alternatives.listed(skipped, text -> text)
                      + "}",
              "at least one that does"));
    } else if (!skipped.isEmpty()) {
      LOG.warn(
          "Outputs of signature '{}' that can't be columns are left out: {}",
          signature.name(),
          Alternatives.listed(skipped, text -> text));
    }
    return bindings;
  }

  private void checkClashes(List<OutputBinding> bindings, BindingErrors errors) {
    UnaryOperator<String> fold =
        caseSensitive ? name -> name : name -> name.toLowerCase(Locale.ROOT);
    Map<String, String> ownerByName = new LinkedHashMap<>();
    Set<String> sourceNames = new HashSet<>();
    for (StructField field : table.fields()) {
      if (!sourceNames.add(field.name())) {
        // Columns travel by name: the one would be read for the other.
        errors.add(
            cannot(ErrorCode.TA_COLUMN_CLASH, "read the source's column '%s'", field.name())
                .found("two columns of that name")
                .expected("a name of its own for each"));
      }
      ownerByName.put(fold.apply(field.name()), "input column '" + field.name() + "'");
    }
    for (OutputBinding binding : bindings) {
      String owner = "output '" + binding.tensor().name() + "'";
      String earlierOwner = ownerByName.putIfAbsent(fold.apply(binding.column()), owner);
      if (earlierOwner != null) {
        errors.add(clash(binding, earlierOwner));
      }
    }
  }

  private static TensorArrowException clash(OutputBinding binding, String earlierOwner) {
    return cannot(
            ErrorCode.TA_COLUMN_CLASH,
            "add column '%s' for output '%s'",
            binding.column(),
            binding.tensor().name())
        .found("%s of that name", earlierOwner)
        .expected(
            "another name, for instance option outputs='%s=%s'",
            NameMapping.inShortForm(binding.tensor().name()),
            NameMapping.inShortForm(binding.column() + "_out"));
  }

  private TensorArrowException mismatch(String found, String expected) {
    return cannot(ErrorCode.TA_OUTPUT_MISMATCH, "fetch outputs of signature '%s'", signature.name())
        .found("%s", found)
        .expected("%s", expected);
  }

  private static TensorArrowException unsupported(TensorSpec tensor, String why) {
    return cannot(ErrorCode.TA_TENSOR_UNSUPPORTED, "fetch tensor %s", tensor)
        .found("%s", why)
        .expected("a dtype that has a column type, and one line for each row fed, as in (-1, 10)");
  }
}
