package io.tensorarrow.spark.source.wrapped;

import io.tensorarrow.spark.columnar.RowCollector;
import java.io.IOException;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.connector.metric.CustomTaskMetric;
import org.apache.spark.sql.connector.read.PartitionReader;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.vectorized.ColumnarBatch;
import org.jspecify.annotations.Nullable;

/**
 * Collects the rows of a source without columnar reads into batches, each from one file, because
 * {@code input_file_name()} is asked for batches as a whole. The batch is valid until the next one
 * is asked for.
 */
public final class RowBatchReader implements PartitionReader<ColumnarBatch> {
  private final PartitionReader<InternalRow> rows;
  private final RowCollector collector;

  /** The file of the row that was read already but belongs to the next batch. */
  private @Nullable FileBlock pendingFile;

  /**
   * Wraps a reader of rows, and owns it from now on.
   *
   * @param rows the source's reader; closed by this one
   * @param schema the columns to take of its rows; rows may have others behind them, as Iceberg's
   *     do where rows were deleted
   */
  public RowBatchReader(PartitionReader<InternalRow> rows, StructType schema) {
    this(rows, schema, RowCollector.BATCH_ROWS);
  }

  /**
   * Wraps a reader of rows, and owns it from now on.
   *
   * @param rows the source's reader; closed by this one
   * @param schema the columns to take of its rows
   * @param maxRows the most rows of a batch
   */
  public RowBatchReader(PartitionReader<InternalRow> rows, StructType schema, int maxRows) {
    this.rows = rows;
    this.collector = new RowCollector(schema, maxRows);
  }

  @Override
  public boolean next() throws IOException {
    collector.clear();
    FileBlock file = null;
    while (!collector.isFull()) {
      FileBlock rowFile = advance();
      if (rowFile == null) {
        break;
      }
      if (collector.size() > 0 && !rowFile.equals(file)) {
        pendingFile = rowFile;
        break;
      }
      file = rowFile;
      collector.add(rows.get());
    }
    if (file != null) {
      file.makeCurrent();
    }
    return collector.size() > 0;
  }

  /** Moves to the next row, unless the last batch left one over, and returns its file. */
  private @Nullable FileBlock advance() throws IOException {
    FileBlock file = pendingFile;
    pendingFile = null;
    if (file != null) {
      // Replaces the block that next() set for the last batch: the source sets it once for each
      // file.
      file.makeCurrent();
      return file;
    }
    return rows.next() ? FileBlock.current() : null;
  }

  @Override
  public ColumnarBatch get() {
    return collector.batch();
  }

  @Override
  public CustomTaskMetric[] currentMetricsValues() {
    return rows.currentMetricsValues();
  }

  @Override
  public void initMetricsValues(CustomTaskMetric[] metrics) {
    rows.initMetricsValues(metrics);
  }

  @Override
  public void close() throws IOException {
    try (rows;
        collector) {
      // Closed in reverse.
    }
  }
}
