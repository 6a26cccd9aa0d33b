package io.tensorarrow.spark.source;

import io.tensorarrow.spark.columnar.BatchGatherer;
import io.tensorarrow.spark.columnar.BatchGatherer.Gathered;
import io.tensorarrow.spark.columnar.RowFilter;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.inference.BatchInference;
import io.tensorarrow.spark.inference.InferenceSpec;
import io.tensorarrow.spark.source.wrapped.FileCut;
import io.tensorarrow.spark.source.wrapped.SourcePlace;
import io.tensorarrow.spark.source.wrapped.SourcePosition;
import io.tensorarrow.spark.tensor.vector.RowSelection;
import io.tensorarrow.spark.tensor.vector.SelectedColumn;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.spark.TaskContext;
import org.apache.spark.sql.connector.metric.CustomTaskMetric;
import org.apache.spark.sql.connector.read.PartitionReader;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.vectorized.ColumnVector;
import org.apache.spark.sql.vectorized.ColumnarBatch;
import org.jspecify.annotations.Nullable;

/**
 * Reads one partition: the source's batches, less the rows that filters drop, divided into model
 * batches across the source's own.
 *
 * <p>A returned batch is from one file. It holds views of the source's columns, or of copies of
 * theirs, and the tensor columns, which own TensorFlow's memory; of a model batch from several
 * files, views of these. It is valid until the next call of {@link #next} or {@link #close}; the
 * consumer may close its columns earlier.
 *
 * <p>Not thread-safe, but not bound to a thread: Spark pulls batches in one thread and may close
 * the reader in another.
 */
final class InferencePartitionReader implements PartitionReader<ColumnarBatch> {
  private final PartitionReader<ColumnarBatch> source;
  private final StructType keptSchema;
  private final int[] keptColumns;
  private final String[] columns;
  private final InferenceSpec spec;
  private final @Nullable RowFilter filter;
  private final @Nullable TaskContext task = TaskContext.get();
  private final @Nullable BatchInference inference;
  private final BatchGatherer<SourcePlace> gatherer;
  private final SourcePosition position = new SourcePosition(task);

  private int rowsLeft;
  private ColumnarBatch modelInput = new ColumnarBatch(new ColumnVector[0], 0);
  private RowSelection modelRows = RowSelection.range(0, 0);
  private List<ColumnVector> tensors = List.of();
  private final boolean acrossFiles;
  private List<FileCut> cuts = List.of();
  private int cutsUsed;
  private @Nullable ColumnarBatch current;
  private Map<String, Long> metricsBefore = Map.of();
  private boolean ended;
  private boolean closed;

  /**
   * @param source the wrapped source's reader, with the columns of {@link ReadPlan#inputSchema};
   *     closed by this one
   * @param plan what to do with its batches
   */
  InferencePartitionReader(PartitionReader<ColumnarBatch> source, ReadPlan plan) {
    this.source = source;
    this.keptColumns = plan.keptColumns();
    this.keptSchema = plan.keptSchema();
    this.columns = plan.readSchema().fieldNames();
    this.spec = plan.spec();
    this.acrossFiles = plan.acrossFiles();
    this.rowsLeft = plan.maxRows();
    this.filter =
        plan.filter() == null
            ? null
            : new RowFilter(plan.filter(), task == null ? 0 : task.partitionId());
    this.gatherer =
        spec.runsModel()
            ? new BatchGatherer<>(keptSchema, spec.batch().rows(), spec.batch().enoughRows())
            : new BatchGatherer<>(keptSchema, Integer.MAX_VALUE, 1);
    this.inference = spec.runsModel() ? new BatchInference(spec, keptSchema) : null;
  }

  @Override
  public boolean next() throws IOException {
    if (closed) {
      throw new IllegalStateException("reader is closed");
    }
    current = null;
    checkKilled();
    if (cutsUsed == cuts.size() && !nextModelBatch()) {
      return false;
    }
    FileCut cut = cuts.get(cutsUsed++);
    cut.makeCurrent();
    current = new ColumnarBatch(arrange(cut.rows()), cut.rows().size());
    return true;
  }

  private boolean nextModelBatch() throws IOException {
    release();
    Gathered<SourcePlace> gathered = gatherer.next();
    while (gathered == null && !ended) {
      checkKilled();
      advance();
      gathered = gatherer.next();
    }
    if (gathered == null) {
      return false;
    }
    if (inference != null) {
      tensors = run(inference, gathered);
    }
    modelInput = gathered.columns();
    modelRows = gathered.rows();
    cuts = FileCut.of(gathered.parts(), acrossFiles);
    return true;
  }

  /**
   * Spark's own check sits between our batches only; filters may drop many of the source's in a
   * row, and small ones are gathered.
   */
  private void checkKilled() {
    if (task != null) {
      task.killTaskIfInterrupted();
    }
  }

  /** Reads the source's next batch, unless enough was read. */
  private void advance() throws IOException {
    ColumnarBatch batch = rowsLeft > 0 ? position.next(source) : null;
    if (batch != null) {
      RowSelection rows =
          filter == null ? RowSelection.range(0, batch.numRows()) : filter.select(batch);
      rows = rows.slice(0, Math.min(rows.size(), rowsLeft));
      rowsLeft -= rows.size();
      gatherer.offer(kept(batch), rows, place());
    }
    if (batch == null || rowsLeft == 0) {
      ended = true;
      gatherer.end();
    }
  }

  private ColumnarBatch kept(ColumnarBatch batch) {
    ColumnVector[] kept =
        Arrays.stream(keptColumns).mapToObj(batch::column).toArray(ColumnVector[]::new);
    return new ColumnarBatch(kept, batch.numRows());
  }

  /**
   * Returns where the source's batch is from. A source that runs a model of its own leaves rows
   * out, and knows which.
   */
  private SourcePlace place() {
    SourcePlace place = position.place();
    return source instanceof InferencePartitionReader nested
        ? place.numbered(nested.cuts.get(nested.cutsUsed - 1)::number)
        : place;
  }

  private static List<ColumnVector> run(BatchInference model, Gathered<SourcePlace> batch) {
    try {
      return model.run(batch.columns(), batch.rows());
    } catch (TensorArrowException e) {
      throw e.isOfRows() ? SourcePlace.placed(e, batch) : e;
    }
  }

  private ColumnVector[] arrange(RowSelection cut) {
    Map<String, ColumnVector> byName = new HashMap<>();
    for (int i = 0; i < tensors.size(); i++) {
      ColumnVector tensor = tensors.get(i);
      byName.put(
          spec.outputs().get(i).column(),
          cuts.size() == 1 ? tensor : new SelectedColumn(tensor, cut));
    }
    RowSelection rows = modelRows.slice(cut.at(0), cut.size());
    List<ColumnVector> arranged = new ArrayList<>(columns.length);
    for (String name : columns) {
      ColumnVector tensor = byName.get(name);
      arranged.add(
          tensor != null
              ? tensor
              : new SelectedColumn(modelInput.column(keptSchema.fieldIndex(name)), rows));
    }
    return arranged.toArray(new ColumnVector[0]);
  }

  @Override
  public ColumnarBatch get() {
    if (current == null) {
      throw new IllegalStateException("no batch: next() was not called or returned false");
    }
    return current;
  }

  @Override
  public CustomTaskMetric[] currentMetricsValues() {
    Map<String, Long> values = new HashMap<>(metricsBefore);
    // A source that runs a model itself has the same names, and has already added its earlier
    // values.
    for (CustomTaskMetric metric : source.currentMetricsValues()) {
      values.put(metric.name(), metric.value());
    }
    if (inference != null) {
      ScanMetric.values(inference.counters())
          .forEach(metric -> values.merge(metric.name(), metric.value(), Long::sum));
    }
    return values.entrySet().stream()
        .map(metric -> new ScanMetric.Value(metric.getKey(), metric.getValue()))
        .toArray(CustomTaskMetric[]::new);
  }

  /**
   * Carries on from the values of the task's previous reader, where one task reads several splits.
   */
  @Override
  public void initMetricsValues(CustomTaskMetric[] metrics) {
    Map<String, Long> values = new HashMap<>();
    for (CustomTaskMetric metric : metrics) {
      values.put(metric.name(), metric.value());
    }
    metricsBefore = values;
    source.initMetricsValues(metrics);
  }

  @Override
  public void close() throws IOException {
    if (closed) {
      // Not every source can be closed twice.
      return;
    }
    closed = true;
    try (source;
        inference;
        gatherer) {
      release();
    }
  }

  private void release() {
    List<ColumnVector> openColumns = tensors;
    tensors = List.of();
    cuts = List.of();
    cutsUsed = 0;
    current = null;
    openColumns.forEach(ColumnVector::close);
  }
}
