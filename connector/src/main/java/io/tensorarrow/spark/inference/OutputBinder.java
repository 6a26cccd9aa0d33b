package io.tensorarrow.spark.inference;

import io.tensorarrow.spark.errors.Alternatives;
import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.inference.InferenceSpec.Fetch;
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

/** Finds the outputs of a signature to fetch, and names their columns. Immutable. */
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
   * Binds.
   *
   * @param mapping the option {@code outputs}
   * @param faults gets what does not fit
   * @return the wanted outputs in the option's order, else all that can be columns; fewer if there
   *     are faults
   */
  List<Fetch> bind(Optional<NameMapping<String>> mapping, BindingErrors faults) {
    List<Fetch> fetches = mapping.map(m -> named(m, faults)).orElseGet(() -> all(faults));
    checkClashes(fetches, faults);
    return fetches;
  }

  private List<Fetch> named(NameMapping<String> mapping, BindingErrors faults) {
    TensorNames<String> named = new TensorNames<>(signature.outputs(), mapping);
    if (!named.faults().isEmpty()) {
      faults.add(
          mismatch(
              String.join("; ", named.faults()),
              "each at most once out of {"
                  + Alternatives.listed(signature.outputs(), TensorSpec::toString)
                  + "}"));
    }
    List<Fetch> fetches = new ArrayList<>();
    named
        .columns()
        .forEach(
            (tensor, column) ->
                axis.whyNotFetched(tensor)
                    .ifPresentOrElse(
                        why -> faults.add(unsupported(tensor, why)),
                        () -> fetches.add(new Fetch(tensor, column.orElse(tensor.name())))));
    return fetches;
  }

  private List<Fetch> all(BindingErrors faults) {
    List<Fetch> fetches = new ArrayList<>();
    List<String> leftOut = new ArrayList<>();
    for (TensorSpec tensor : signature.outputs()) {
      axis.whyNotFetched(tensor)
          .ifPresentOrElse(
              why -> leftOut.add(tensor + ": " + why),
              () -> fetches.add(new Fetch(tensor, tensor.name())));
    }
    if (fetches.isEmpty()) {
      faults.add(
          mismatch(
              leftOut.isEmpty()
                  ? "none in the signature"
                  : "none that gives a value for each row: {"
                      + Alternatives.listed(leftOut, text -> text)
                      + "}",
              "at least one that does"));
    } else if (!leftOut.isEmpty()) {
      LOG.warn(
          "Outputs of signature '{}' that can't be columns are left out: {}",
          signature.name(),
          Alternatives.listed(leftOut, text -> text));
    }
    return fetches;
  }

  private void checkClashes(List<Fetch> fetches, BindingErrors faults) {
    UnaryOperator<String> fold =
        caseSensitive ? name -> name : name -> name.toLowerCase(Locale.ROOT);
    Map<String, String> taken = new LinkedHashMap<>();
    Set<String> sourceNames = new HashSet<>();
    for (StructField field : table.fields()) {
      if (!sourceNames.add(field.name())) {
        // Columns travel by name: the one would be read for the other.
        faults.add(
            new TensorArrowException(
                ErrorCode.TA_COLUMN_CLASH,
                "Cannot read the source's column '%s': found two columns of that name; expected a name of its own for each"
                    .formatted(field.name())));
      }
      taken.put(fold.apply(field.name()), "input column '" + field.name() + "'");
    }
    for (Fetch fetch : fetches) {
      String mine = "output '" + fetch.tensor().name() + "'";
      String other = taken.putIfAbsent(fold.apply(fetch.column()), mine);
      if (other != null) {
        faults.add(clash(fetch, other));
      }
    }
  }

  private static TensorArrowException clash(Fetch fetch, String other) {
    return new TensorArrowException(
        ErrorCode.TA_COLUMN_CLASH,
        "Cannot add column '%s' for output '%s': found %s of that name; expected another name, for instance option outputs='%s=%s'"
            .formatted(
                fetch.column(),
                fetch.tensor().name(),
                other,
                NameMapping.inShortForm(fetch.tensor().name()),
                NameMapping.inShortForm(fetch.column() + "_out")));
  }

  private TensorArrowException mismatch(String found, String expected) {
    return new TensorArrowException(
        ErrorCode.TA_OUTPUT_MISMATCH,
        "Cannot fetch outputs of signature '%s': found %s; expected %s"
            .formatted(signature.name(), found, expected));
  }

  private static TensorArrowException unsupported(TensorSpec tensor, String why) {
    return new TensorArrowException(
        ErrorCode.TA_TENSOR_UNSUPPORTED,
        "Cannot fetch tensor %s: found %s; expected a dtype that has a column type, and one line for each row fed, as in (-1, 10)"
            .formatted(tensor, why));
  }
}
