package io.tensorarrow.spark.source;

import io.tensorarrow.spark.inference.InferenceSpec;
import io.tensorarrow.spark.inference.InferenceSpec.Feed;
import io.tensorarrow.spark.inference.InferenceSpec.Fetch;
import io.tensorarrow.spark.metrics.FeedBytesMetric;
import io.tensorarrow.spark.metrics.FeedTimeMetric;
import io.tensorarrow.spark.metrics.InferenceTimeMetric;
import io.tensorarrow.spark.metrics.ModelBatchesMetric;
import io.tensorarrow.spark.metrics.ModelLoadTimeMetric;
import io.tensorarrow.spark.metrics.RowsInferredMetric;
import io.tensorarrow.spark.metrics.TensorBytesMetric;
import io.tensorarrow.spark.options.Handover;
import io.tensorarrow.spark.tensor.fetch.TensorColumns;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
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
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.util.Utils;
import org.jspecify.annotations.Nullable;

/** A planned read: the wrapped scan, and what to run over it. Immutable. */
final class InferenceScan implements Scan, SupportsReportStatistics {
  /** The first word of the description; the documentation and the examples look for it in plans. */
  private static final String TITLE = "InferenceScan";

  /** Enough of the fingerprint to tell two versions of a model apart by eye. */
  private static final int FINGERPRINT_SHOWN = 24;

  private final Scan source;
  private final InferenceSpec spec;
  private final StructType readSchema;
  private final Optional<StructField> metadata;
  private final List<Predicate> pushed;
  private final List<Expression> residual;
  private final OptionalInt limit;
  private final Optional<Exception> failure;

  /**
   * @param source the wrapped scan
   * @param spec what to run; fetches only what the read schema holds
   * @param readSchema the columns of the result
   * @param metadata the fields of {@code _metadata} to add to what the wrapped scan reads
   * @param pushed filters that the source applies
   * @param residual filters to evaluate before the model
   * @param limit the most rows of a partition
   * @param failure what the query is to fail with when it runs
   */
  InferenceScan(
      Scan source,
      InferenceSpec spec,
      StructType readSchema,
      Optional<StructField> metadata,
      List<Predicate> pushed,
      List<Expression> residual,
      OptionalInt limit,
      Optional<Exception> failure) {
    this.failure = failure;
    this.source = source;
    this.spec = spec;
    this.readSchema = readSchema;
    this.metadata = metadata;
    this.pushed = List.copyOf(pushed);
    this.residual = List.copyOf(residual);
    this.limit = limit;
  }

  Handover handover() {
    return spec.handover();
  }

  /** Returns the names of the columns that the model computes. */
  Set<String> outputs() {
    return spec.fetches().stream().map(InferenceSpec.Fetch::column).collect(Collectors.toSet());
  }

  @Override
  public StructType readSchema() {
    return readSchema;
  }

  @Override
  public Batch toBatch() {
    return new InferenceBatch(
        source,
        source.toBatch(),
        spec,
        readSchema,
        metadata,
        Residual.bind(residual, InferenceBatch.withMetadata(source.readSchema(), metadata)),
        limit,
        failure);
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
   * take embeddings for a small table. Where the source tells bytes only, rows are estimated from
   * its columns' default sizes, as Spark does.
   */
  @Override
  public Statistics estimateStatistics() {
    if (!(source instanceof SupportsReportStatistics reporting)) {
      return new Estimate(OptionalLong.empty(), OptionalLong.empty());
    }
    Statistics below = reporting.estimateStatistics();
    if (below.sizeInBytes().isEmpty()) {
      return below;
    }
    long bytes = below.sizeInBytes().getAsLong();
    long rows =
        below.numRows().orElseGet(() -> bytes / Math.max(1, source.readSchema().defaultSize()));
    double tensorBytesPerRow =
        spec.fetches().stream().mapToDouble(f -> TensorColumns.bytesPerRow(f.tensor())).sum();
    double withTensors = bytes + rows * tensorBytesPerRow;
    return new Estimate(OptionalLong.of((long) withTensors), below.numRows());
  }

  private record Estimate(OptionalLong sizeInBytes, OptionalLong numRows) implements Statistics {}

  @Override
  public CustomMetric[] supportedCustomMetrics() {
    return Stream.concat(
            Stream.<CustomMetric>of(
                new RowsInferredMetric(),
                new ModelBatchesMetric(),
                new ModelLoadTimeMetric(),
                new FeedTimeMetric(),
                new InferenceTimeMetric(),
                new FeedBytesMetric(),
                new TensorBytesMetric()),
            Arrays.stream(source.supportedCustomMetrics()))
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
                pushed.stream().map(Predicate::toString).collect(Collectors.joining(", ")),
                residual.stream().map(Expression::sql).collect(Collectors.joining(", ")),
                limit.isPresent() ? ", limit per partition: " + limit.getAsInt() : "",
                source.description());
    return Utils.redact(SQLConf.get().stringRedactionPattern(), text);
  }

  private String modelText() {
    return "model=%s fingerprint=%s signature=%s feeds=[%s] fetches=[%s] batchRows=%d%s cast=%s handover=%s"
        .formatted(
            spec.model().directory(),
            shortened(spec.model().fingerprint()),
            spec.signature(),
            spec.feeds().stream().map(InferenceScan::text).collect(Collectors.joining(", ")),
            spec.fetches().stream().map(InferenceScan::text).collect(Collectors.joining(", ")),
            spec.batchRows(),
            spec.fixedBatch() ? " (fixed)" : "",
            spec.cast().name().toLowerCase(Locale.ROOT),
            spec.handover().text());
  }

  private static String shortened(String fingerprint) {
    return fingerprint.substring(0, Math.min(fingerprint.length(), FINGERPRINT_SHOWN));
  }

  private static String text(Feed feed) {
    return feed.tensor().name()
        + "<-"
        + feed.column()
        + (feed.tensor().sparse() ? " (sparse)" : "");
  }

  private static String text(Fetch fetch) {
    return fetch.tensor().name() + "->" + fetch.column();
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof InferenceScan that && toBatch().equals(that.toBatch());
  }

  @Override
  public int hashCode() {
    return Objects.hash(spec, readSchema, limit);
  }

  @Override
  public String toString() {
    return description();
  }
}
