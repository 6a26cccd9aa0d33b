package io.tensorarrow.spark.source;

import java.io.IOException;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.connector.metric.CustomTaskMetric;
import org.apache.spark.sql.connector.read.PartitionReader;
import org.apache.spark.sql.execution.RowToColumnConverter;
import org.apache.spark.sql.execution.vectorized.OnHeapColumnVector;
import org.apache.spark.sql.execution.vectorized.WritableColumnVector;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.vectorized.ColumnarBatch;

/**
 * Collects the rows of a source that reads no columns into batches. The batch is valid until the
 * next one is asked for.
 */
final class RowBatchReader implements PartitionReader<ColumnarBatch> {
  /** As many rows as Spark's Parquet reader puts into a batch by default. */
  private static final int BATCH_ROWS = 4096;

  private final PartitionReader<InternalRow> rows;
  private final RowToColumnConverter converter;
  private final WritableColumnVector[] columns;
  private final ColumnarBatch batch;

  /**
   * Takes over a reader of rows.
   *
   * @param rows the source's reader; closed by this one
   * @param schema the columns of its rows
   */
  RowBatchReader(PartitionReader<InternalRow> rows, StructType schema) {
    this.rows = rows;
    this.converter = new RowToColumnConverter(schema);
    this.columns = OnHeapColumnVector.allocateColumns(BATCH_ROWS, schema);
    this.batch = new ColumnarBatch(columns);
  }

  @Override
  public boolean next() throws IOException {
    for (WritableColumnVector column : columns) {
      column.reset();
    }
    int size = 0;
    while (size < BATCH_ROWS && rows.next()) {
      converter.convert(rows.get(), columns);
      size++;
    }
    batch.setNumRows(size);
    return size > 0;
  }

  @Override
  public ColumnarBatch get() {
    return batch;
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
    try (rows) {
      batch.close();
    }
  }
}
