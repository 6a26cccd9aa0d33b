package io.tensorarrow.spark.inference;

import io.tensorarrow.spark.errors.Alternatives;
import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.model.ModelReference;
import io.tensorarrow.spark.model.ModelSignature;
import io.tensorarrow.spark.options.InferenceSpec;
import io.tensorarrow.spark.options.InferenceSpec.Feed;
import io.tensorarrow.spark.options.InferenceSpec.Fetch;
import io.tensorarrow.spark.options.NameMapping;
import io.tensorarrow.spark.options.ReadOptions;
import io.tensorarrow.spark.tensor.CastMode;
import io.tensorarrow.spark.tensor.ColumnFeeder;
import io.tensorarrow.spark.tensor.ColumnTypes;
import io.tensorarrow.spark.tensor.TensorColumns;
import io.tensorarrow.spark.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.spark.sql.internal.SQLConf;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Matches a signature's tensors with columns, on the driver, so that whatever does not fit is an
 * error before any task starts.
 *
 * <p>The wording of mismatches follows TensorFlow Serving's: expected, sent, missing and extra,
 * side by side.
 */
public final class SignatureBinder {
  private static final Logger LOG = LoggerFactory.getLogger(SignatureBinder.class);

  /** Rows of one model call that {@code batchRows=auto} starts from. */
  private static final int AUTO_ROWS = 1024;

  private final ModelReference model;
  private final ModelSignature signature;
  private final StructType input;

  /**
   * Takes what is to be matched.
   *
   * @param model the pinned model
   * @param signature the signature of it to run
   * @param input the columns of the wrapped table
   */
  public SignatureBinder(ModelReference model, ModelSignature signature, StructType input) {
    this.model = model;
    this.signature = signature;
    this.input = input;
  }

  /**
   * Matches by the options {@code inputs}, {@code outputs}, {@code cast}, {@code batchRows}, {@code
   * batchBytes} and {@code threads}.
   *
   * @return a spec that feeds every input of the signature and fetches every wanted output
   * @throws TensorArrowException {@code TA_INPUT_MISMATCH}, {@code TA_INPUT_TYPE}, {@code
   *     TA_OUTPUT_MISMATCH}, {@code TA_TENSOR_UNSUPPORTED} or {@code TA_COLUMN_CLASH} where
   *     signature, columns and options do not fit
   */
  public InferenceSpec bind(ReadOptions options) {
    CastMode cast = options.get(ReadOptions.CAST);
    List<Feed> feeds = feeds(options.find(ReadOptions.INPUTS));
    for (Feed feed : feeds) {
      ColumnFeeder.create(
          feed.tensor(), feed.column(), input.apply(feed.column()).dataType(), cast);
    }
    ColumnTypes types =
        new ColumnTypes(options.get(ReadOptions.STRINGS), options.get(ReadOptions.BYTES));
    List<Fetch> fetches = fetches(options.find(ReadOptions.OUTPUTS), types);
    checkClashes(fetches);
    int batchRows =
        options
            .get(ReadOptions.BATCH_ROWS)
            .orElseGet(() -> autoRows(feeds, fetches, options.get(ReadOptions.BATCH_BYTES)));
    int threads = options.find(ReadOptions.THREADS).orElse(0);
    return new InferenceSpec(
        model, signature.name(), feeds, fetches, batchRows, cast, types, threads);
  }

  private List<Feed> feeds(Optional<NameMapping> mapping) {
    Map<String, String> mapped = new LinkedHashMap<>();
    for (NameMapping.Entry entry : mapping.map(NameMapping::entries).orElse(List.of())) {
      if (mapped.put(entry.tensor(), entry.column().orElse(entry.tensor())) != null) {
        throw inputMismatch("input '" + entry.tensor() + "' named twice");
      }
    }
    List<String> faults = new ArrayList<>();
    List<Feed> feeds = new ArrayList<>();
    for (TensorSpec tensor : signature.inputs()) {
      String wanted = mapped.getOrDefault(tensor.name(), tensor.name());
      List<String> columns = columnsNamed(wanted);
      if (columns.size() == 1) {
        feeds.add(new Feed(tensor, columns.get(0)));
      } else if (columns.isEmpty()) {
        faults.add("no column '" + wanted + "' for input " + tensor);
      } else {
        faults.add("several columns " + columns + " for input " + tensor);
      }
    }
    Set<String> known =
        signature.inputs().stream().map(TensorSpec::name).collect(Collectors.toSet());
    mapped.keySet().stream()
        .filter(name -> !known.contains(name))
        .forEach(
            name ->
                faults.add(
                    "no input '%s' in the signature, which has %s"
                        .formatted(name, Alternatives.closestFirst(name, known))));
    if (!faults.isEmpty()) {
      throw inputMismatch(String.join("; ", faults));
    }
    return feeds;
  }

  /** An exact name wins over names that differ in case only. */
  private List<String> columnsNamed(String wanted) {
    List<String> names = Arrays.asList(input.fieldNames());
    if (names.contains(wanted)) {
      return List.of(wanted);
    }
    return names.stream().filter(wanted::equalsIgnoreCase).toList();
  }

  private TensorArrowException inputMismatch(String found) {
    String columns =
        Arrays.stream(input.fields())
            .limit(100)
            .map(f -> "'" + f.name() + "' " + f.dataType().catalogString())
            .collect(Collectors.joining(", "));
    String tensors =
        signature.inputs().stream().map(TensorSpec::toString).collect(Collectors.joining(", "));
    return new TensorArrowException(
        ErrorCode.TA_INPUT_MISMATCH,
        ("Cannot feed signature '%s': found %s; expected a column for each of %s; the columns are %s; map them with option"
                + " inputs, for instance inputs='tensor=column'")
            .formatted(signature.name(), found, tensors, columns));
  }

  private List<Fetch> fetches(Optional<NameMapping> mapping, ColumnTypes types) {
    return mapping.isPresent() ? namedFetches(mapping.get(), types) : allFetches();
  }

  private List<Fetch> namedFetches(NameMapping mapping, ColumnTypes types) {
    Map<String, TensorSpec> outputs = new LinkedHashMap<>();
    signature.outputs().forEach(tensor -> outputs.put(tensor.name(), tensor));
    List<Fetch> fetches = new ArrayList<>();
    Set<String> seen = new HashSet<>();
    for (NameMapping.Entry entry : mapping.entries()) {
      TensorSpec tensor = outputs.get(entry.tensor());
      if (tensor == null || !seen.add(entry.tensor())) {
        throw new TensorArrowException(
            ErrorCode.TA_OUTPUT_MISMATCH,
            "Cannot fetch output '%s' of signature '%s': found %s; expected each of them at most once"
                .formatted(
                    entry.tensor(),
                    signature.name(),
                    tensor == null
                        ? "outputs " + Alternatives.closestFirst(entry.tensor(), outputs.keySet())
                        : "it named twice"));
      }
      TensorColumns.columnType(tensor, types);
      fetches.add(new Fetch(tensor, entry.column().orElse(entry.tensor())));
    }
    return fetches;
  }

  private List<Fetch> allFetches() {
    List<Fetch> fetches = new ArrayList<>();
    List<String> leftOut = new ArrayList<>();
    for (TensorSpec tensor : signature.outputs()) {
      TensorColumns.whyNotFetchable(tensor)
          .ifPresentOrElse(
              reason -> leftOut.add(tensor + ": " + reason),
              () -> fetches.add(new Fetch(tensor, tensor.name())));
    }
    if (fetches.isEmpty()) {
      throw new TensorArrowException(
          ErrorCode.TA_OUTPUT_MISMATCH,
          "Cannot run signature '%s': found no output that gives one value per row (%s); expected at least one"
              .formatted(
                  signature.name(),
                  leftOut.isEmpty() ? "it has none" : String.join("; ", leftOut)));
    }
    if (!leftOut.isEmpty()) {
      LOG.warn(
          "Outputs of signature '{}' that can't be columns are left out: {}",
          signature.name(),
          leftOut);
    }
    return fetches;
  }

  private void checkClashes(List<Fetch> fetches) {
    UnaryOperator<String> fold =
        SQLConf.get().caseSensitiveAnalysis()
            ? name -> name
            : name -> name.toLowerCase(Locale.ROOT);
    Map<String, String> taken = new LinkedHashMap<>();
    for (StructField field : input.fields()) {
      taken.put(fold.apply(field.name()), "an input column");
    }
    for (Fetch fetch : fetches) {
      String other =
          taken.put(fold.apply(fetch.column()), "output '" + fetch.tensor().name() + "'");
      if (other != null) {
        throw new TensorArrowException(
            ErrorCode.TA_COLUMN_CLASH,
            ("Cannot add column '%s' for output '%s': found %s of that name; expected another name, for instance option"
                    + " outputs='%s=%s_out'")
                .formatted(
                    fetch.column(),
                    fetch.tensor().name(),
                    other,
                    fetch.tensor().name(),
                    fetch.column()));
      }
    }
  }

  private static int autoRows(List<Feed> feeds, List<Fetch> fetches, long batchBytes) {
    // Of doubles, because a signature may declare rows of more bytes than a long can count.
    double perRow =
        Stream.concat(feeds.stream().map(Feed::tensor), fetches.stream().map(Fetch::tensor))
            .mapToDouble(TensorColumns::bytesPerRow)
            .sum();
    return (int) Math.max(1, Math.min(AUTO_ROWS, batchBytes / Math.max(1, perRow)));
  }
}
