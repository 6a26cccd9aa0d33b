package io.tensorarrow.spark.inference;

import static io.tensorarrow.spark.errors.TensorArrowException.cannot;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.inference.InferenceSpec.BatchPolicy;
import io.tensorarrow.spark.inference.InferenceSpec.ElementPolicy;
import io.tensorarrow.spark.inference.InferenceSpec.InputBinding;
import io.tensorarrow.spark.inference.InferenceSpec.OutputBinding;
import io.tensorarrow.spark.model.ModelReference;
import io.tensorarrow.spark.model.savedmodel.ModelSignature;
import io.tensorarrow.spark.options.CastMode;
import io.tensorarrow.spark.options.ColumnName;
import io.tensorarrow.spark.options.ColumnTypes;
import io.tensorarrow.spark.options.NameMapping;
import io.tensorarrow.spark.options.ReadOptions;
import io.tensorarrow.spark.tensor.fetch.TensorColumns;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.apache.spark.sql.internal.SQLConf;
import org.apache.spark.sql.types.StructType;

/**
 * Matches a signature's tensors with columns, on the driver, so that whatever does not fit is an
 * error before any task starts.
 *
 * <p>The wording of mismatches follows TensorFlow Serving's: missing, extra, sent and expected,
 * side by side. One error reports everything that does not fit.
 */
public final class SignatureBinder {
  /** Rows of one model call that {@code batchRows=auto} starts from. */
  private static final int AUTO_ROWS = 1024;

  private static final NameMapping<ColumnName> BY_NAME = new NameMapping<>(List.of());

  private final ModelReference model;
  private final ModelSignature signature;
  private final StructType input;
  private final StructType beside;

  /**
   * Binds a signature to the columns of a table.
   *
   * @param model the pinned model
   * @param signature the signature of it to run
   * @param input the columns of the wrapped table
   */
  public SignatureBinder(ModelReference model, ModelSignature signature, StructType input) {
    this(model, signature, input, input);
  }

  /**
   * Binds a signature to columns.
   *
   * @param model the pinned model
   * @param signature the signature of it to run
   * @param input the columns that can feed it
   * @param beside the columns that the outputs come beside, whose names they must not have
   */
  public SignatureBinder(
      ModelReference model, ModelSignature signature, StructType input, StructType beside) {
    this.model = model;
    this.signature = signature;
    this.input = input;
    this.beside = beside;
  }

  /**
   * Matches by the options {@code inputs}, {@code outputs}, {@code cast}, {@code batchRows}, {@code
   * batchBytes} and {@code threads}.
   *
   * @return a spec that feeds every input of the signature and fetches every selected output
   * @throws TensorArrowException {@code TA_INPUT_MISMATCH}, {@code TA_INPUT_TYPE}, {@code
   *     TA_OUTPUT_MISMATCH}, {@code TA_TENSOR_UNSUPPORTED}, {@code TA_COLUMN_CLASH} or {@code
   *     TA_OPTION_INVALID} where signature, columns and options do not fit; of several errors it
   *     has the first one's code and all their messages
   */
  public InferenceSpec bind(ReadOptions options) {
    BindingErrors errors = new BindingErrors();
    boolean caseSensitive = SQLConf.get().caseSensitiveAnalysis();
    CastMode cast = options.get(ReadOptions.CAST);
    BatchAxis axis = new BatchAxis(signature);
    List<InputBinding> inputs =
        new InputBinder(signature, new ColumnResolver(input, caseSensitive), cast)
            .bind(options.find(ReadOptions.INPUTS).orElse(BY_NAME), errors);
    axis.check(errors);
    List<OutputBinding> outputs =
        new OutputBinder(signature, axis, beside, caseSensitive)
            .bind(options.find(ReadOptions.OUTPUTS), errors);
    int batchRows = batchRows(options, axis, inputs, outputs, errors);
    errors.throwIfAny();
    return new InferenceSpec(
        model,
        signature.name(),
        inputs,
        outputs,
        new BatchPolicy(batchRows, axis.fixedRows().isPresent()),
        new ElementPolicy(
            cast,
            new ColumnTypes(options.get(ReadOptions.STRINGS), options.get(ReadOptions.BYTES))),
        options.get(ReadOptions.HANDOVER),
        options.find(ReadOptions.THREADS).orElse(0));
  }

  private int batchRows(
      ReadOptions options,
      BatchAxis axis,
      List<InputBinding> inputs,
      List<OutputBinding> outputs,
      BindingErrors errors) {
    Optional<Integer> requestedRows = options.get(ReadOptions.BATCH_ROWS);
    if (axis.fixedRows().isEmpty()) {
      return requestedRows.orElseGet(
          () -> autoRows(inputs, outputs, options.get(ReadOptions.BATCH_BYTES)));
    }
    int rows = axis.fixedRows().getAsInt();
    if (requestedRows.isPresent() && requestedRows.get() != rows) {
      errors.add(
          cannot(ErrorCode.TA_OPTION_INVALID, "use option '%s'", ReadOptions.BATCH_ROWS.key())
              .found("'%d'", requestedRows.get())
              .expected(
                  "auto or %d, the batch size that signature '%s' is fixed to",
                  rows, signature.name()));
    }
    return rows;
  }

  private static int autoRows(
      List<InputBinding> inputs, List<OutputBinding> outputs, long batchBytes) {
    // Of doubles, because a signature may declare rows of more bytes than a long can count.
    double perRow =
        Stream.concat(
                inputs.stream().map(InputBinding::tensor),
                outputs.stream().map(OutputBinding::tensor))
            .mapToDouble(TensorColumns::bytesPerRow)
            .sum();
    return (int) Math.max(1, Math.min(AUTO_ROWS, batchBytes / Math.max(1, perRow)));
  }
}
