package io.tensorarrow.spark.source;

import io.tensorarrow.spark.columnar.RowFilter;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.inference.BatchInference;
import io.tensorarrow.spark.inference.InferenceSpec;
import io.tensorarrow.spark.source.wrapped.SourcePosition;
import io.tensorarrow.spark.tensor.vector.RowSelection;
import io.tensorarrow.spark.tensor.vector.SelectedColumn;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalInt;
import org.apache.spark.TaskContext;
import org.apache.spark.sql.connector.metric.CustomTaskMetric;
import org.apache.spark.sql.connector.read.PartitionReader;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.vectorized.ColumnVector;
import org.apache.spark.sql.vectorized.ColumnarBatch;
import org.jspecify.annotations.Nullable;

/**
 * Reads one partition: the source's batches, less the rows that filters drop, cut into model
 * batches.
 *
 * <p>A returned batch holds views of the source's columns and the tensor columns, which own
 * TensorFlow's memory. It is valid until the next call of {@link #next} or {@link #close}; the
 * consumer may close its columns earlier.
 *
 * <p>Not thread-safe, but not bound to a thread: Spark pulls batches in one thread and may close
 * the reader in another.
 */
final class InferencePartitionReader implements PartitionReader<ColumnarBatch> {
  private final PartitionReader<ColumnarBatch> source;
  private final StructType inputSchema;
  private final String[] columns;
  private final InferenceSpec spec;
  private final @Nullable RowFilter filter;
  private final @Nullable TaskContext task = TaskContext.get();
  private final @Nullable BatchInference inference;
  private final SourcePosition position = new SourcePosition(task);

  private int rowsLeft;
  private @Nullable ColumnarBatch input;
  private RowSelection selection = RowSelection.range(0, 0);
  private int rowsUsed;
  private RowSelection currentRows = selection;
  private List<ColumnVector> tensors = List.of();
  private @Nullable ColumnarBatch current;
  private Map<String, Long> metricsBefore = Map.of();
  private boolean closed;

  /**
   * @param source the wrapped source's reader, with the columns of {@link ReadPlan#inputSchema};
   *     closed by this one
   * @param plan what to do with its batches
   */
  InferencePartitionReader(PartitionReader<ColumnarBatch> source, ReadPlan plan) {
    this.source = source;
    this.inputSchema = plan.inputSchema();
    this.columns = plan.readSchema().fieldNames();
    this.spec = plan.spec();
    this.rowsLeft = plan.maxRows();
    this.filter =
        plan.filter() == null
            ? null
            : new RowFilter(plan.filter(), task == null ? 0 : task.partitionId());
    this.inference = spec.runsModel() ? new BatchInference(spec, inputSchema) : null;
  }

  @Override
  public boolean next() throws IOException {
    if (closed) {
      throw new IllegalStateException("reader is closed");
    }
    release();
    while (rowsLeft > 0) {
      if (task != null) {
        // Spark's own check sits between our batches only; filters may drop many of the source's in
        // a row.
        task.killTaskIfInterrupted();
      }
      if (rowsUsed < selection.size()) {
        current = nextModelBatch();
        rowsLeft -= current.numRows();
        return true;
      }
      ColumnarBatch sourceBatch = position.next(source);
      if (sourceBatch == null) {
        return false;
      }
      input = sourceBatch;
      selection =
          filter == null
              ? RowSelection.range(0, sourceBatch.numRows())
              : filter.select(sourceBatch);
      rowsUsed = 0;
    }
    return false;
  }

  private ColumnarBatch nextModelBatch() {
    ColumnarBatch batch = Objects.requireNonNull(input);
    int size = Math.min(selection.size() - rowsUsed, rowsLeft);
    if (inference != null) {
      size = Math.min(size, spec.batch().rows());
    }
    RowSelection rows = selection.slice(rowsUsed, size);
    rowsUsed += size;
    currentRows = rows;
    if (inference != null) {
      tensors = run(inference, batch, rows);
    }
    return new ColumnarBatch(arrange(batch, rows), size);
  }

  private List<ColumnVector> run(BatchInference model, ColumnarBatch batch, RowSelection rows) {
    try {
      return model.run(batch, rows);
    } catch (TensorArrowException e) {
      throw e.isOfRows() ? e.at(place(e.row(), rows), position.note()) : e;
    }
  }

  private String place(OptionalInt row, RowSelection rows) {
    return row.isPresent()
        ? position.of(sourceRow(row.getAsInt()))
        : position.of(sourceRow(rows.at(0)), sourceRow(rows.at(rows.size() - 1)));
  }

  /**
   * Returns the number that a row of the source's batch has among those read from its file. A
   * source that runs a model of its own leaves rows out, and knows which.
   */
  private long sourceRow(int row) {
    return source instanceof InferencePartitionReader nested
        ? nested.sourceRow(nested.currentRows.at(row))
        : position.row(row);
  }

  private ColumnVector[] arrange(ColumnarBatch batch, RowSelection rows) {
    Map<String, ColumnVector> byName = new HashMap<>();
    for (int i = 0; i < tensors.size(); i++) {
      byName.put(spec.outputs().get(i).column(), tensors.get(i));
    }
    List<ColumnVector> arranged = new ArrayList<>(columns.length);
    for (String name : columns) {
      ColumnVector tensor = byName.get(name);
      arranged.add(
          tensor != null
              ? tensor
              : new SelectedColumn(batch.column(inputSchema.fieldIndex(name)), rows));
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
        inference) {
      release();
    }
  }

  private void release() {
    List<ColumnVector> openColumns = tensors;
    tensors = List.of();
    current = null;
    openColumns.forEach(ColumnVector::close);
  }
}
