package io.tensorarrow.spark.source;

import io.tensorarrow.spark.inference.InferenceSpec;
import io.tensorarrow.spark.inference.InferenceSpec.InputBinding;
import io.tensorarrow.spark.inference.InferenceSpec.OutputBinding;
import io.tensorarrow.spark.options.Handover;
import io.tensorarrow.spark.tensor.fetch.TensorColumns;
import java.util.Arrays;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.connector.expressions.filter.Predicate;
import org.apache.spark.sql.connector.metric.CustomMetric;
import org.apache.spark.sql.connector.read.Batch;
import org.apache.spark.sql.connector.read.Scan;
import org.apache.spark.sql.connector.read.Statistics;
import org.apache.spark.sql.connector.read.SupportsReportStatistics;
import org.apache.spark.sql.internal.SQLConf;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.util.Utils;
import org.jspecify.annotations.Nullable;

/** A planned read: the wrapped scan, and what to run over it. Immutable. */
final class InferenceScan implements Scan, SupportsReportStatistics, TensorScan {
  /** The first word of the description; the documentation and the examples look for it in plans. */
  private static final String TITLE = "InferenceScan";

  private final Scan source;
  private final ReadPlan plan;
  private final InferenceSpec spec;
  private final Pushdown pushdown;
  private final Optional<Exception> failure;

  /**
   * @param source the wrapped scan
   * @param plan what to do with its batches
   * @param pushdown what became of the filters, for the description
   * @param failure what the query is to fail with when it runs
   */
  InferenceScan(Scan source, ReadPlan plan, Pushdown pushdown, Optional<Exception> failure) {
    this.source = source;
    this.plan = plan;
    this.spec = plan.spec();
    this.pushdown = pushdown;
    this.failure = failure;
  }

  @Override
  public Handover handover() {
    return spec.handover();
  }

  @Override
  public boolean isAcrossFiles() {
    return plan.acrossFiles();
  }

  @Override
  public Scan acrossFiles() {
    return new InferenceScan(source, plan.withBatchesAcrossFiles(), pushdown, failure);
  }

  @Override
  public Set<String> tensorColumns() {
    return spec.outputs().stream()
        .map(InferenceSpec.OutputBinding::column)
        .collect(Collectors.toSet());
  }

  @Override
  public StructType readSchema() {
    return plan.readSchema();
  }

  @Override
  public Batch toBatch() {
    return new InferenceBatch(source, plan, failure);
  }

  /**
   * Returns {@code SUPPORTED}: every partition is read in columns, and Spark need not plan them all
   * just to ask.
   */
  @Override
  public ColumnarSupportMode columnarSupportMode() {
    return ColumnarSupportMode.SUPPORTED;
  }

  /**
   * Returns the wrapped scan's statistics with the tensors' bytes added, so that Spark does not
   * take embeddings for a small table. If the source reports bytes only, rows are estimated from
   * its columns' default sizes, as Spark does.
   */
  @Override
  public Statistics estimateStatistics() {
    if (!(source instanceof SupportsReportStatistics reporting)) {
      return new Estimate(OptionalLong.empty(), OptionalLong.empty());
    }
    Statistics sourceStatistics = reporting.estimateStatistics();
    if (sourceStatistics.sizeInBytes().isEmpty()) {
      return sourceStatistics;
    }
    long bytes = sourceStatistics.sizeInBytes().getAsLong();
    long rows =
        sourceStatistics
            .numRows()
            .orElseGet(() -> bytes / Math.max(1, source.readSchema().defaultSize()));
    double tensorBytesPerRow =
        spec.outputs().stream()
            .mapToDouble(output -> TensorColumns.bytesPerRow(output.tensor()))
            .sum();
    double withTensors = bytes + rows * tensorBytesPerRow;
    return new Estimate(OptionalLong.of((long) withTensors), sourceStatistics.numRows());
  }

  private record Estimate(OptionalLong sizeInBytes, OptionalLong numRows) implements Statistics {}

  @Override
  public CustomMetric[] supportedCustomMetrics() {
    return Stream.concat(ScanMetric.supported(), Arrays.stream(source.supportedCustomMetrics()))
        .toArray(CustomMetric[]::new);
  }

  /**
   * Returns the plan's line: which model runs with what, what happens before it, and what is below.
   */
  @Override
  public String description() {
    String text =
        "%s %s, pushed to source: [%s], evaluated before the model: [%s]%s <- %s"
            .formatted(
                TITLE,
                spec.runsModel() ? modelText() : "runs no model (no tensor column is needed)",
                pushdown.pushed().stream()
                    .map(Predicate::toString)
                    .collect(Collectors.joining(", ")),
                pushdown.residual().stream().map(Expression::sql).collect(Collectors.joining(", ")),
                plan.limit() == null ? "" : ", limit per partition: " + plan.limit(),
                source.description());
    return Utils.redact(SQLConf.get().stringRedactionPattern(), text);
  }

  private String modelText() {
    return "model=%s fingerprint=%s signature=%s feeds=[%s] fetches=[%s] batchRows=%d%s cast=%s handover=%s"
        .formatted(
            spec.model().directory(),
            spec.model().shortFingerprint(),
            spec.signature(),
            spec.inputs().stream().map(InferenceScan::text).collect(Collectors.joining(", ")),
            spec.outputs().stream().map(InferenceScan::text).collect(Collectors.joining(", ")),
            spec.batch().rows(),
            spec.batch().fixed() ? " (fixed)" : "",
            spec.elements().cast().text(),
            spec.handover().text());
  }

  private static String text(InputBinding input) {
    return input.tensor().name()
        + "<-"
        + input.column()
        + (input.tensor().sparse() ? " (sparse)" : "");
  }

  private static String text(OutputBinding output) {
    return output.tensor().name() + "->" + output.column();
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof InferenceScan that && toBatch().equals(that.toBatch());
  }

  @Override
  public int hashCode() {
    return plan.hashCode();
  }

  @Override
  public String toString() {
    return description();
  }
}
