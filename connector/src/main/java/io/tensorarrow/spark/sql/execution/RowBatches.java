package io.tensorarrow.spark.sql.execution;

import static java.util.Objects.requireNonNull;

import io.tensorarrow.spark.columnar.RowCollector;
import io.tensorarrow.spark.source.wrapped.RowBatchReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.NoSuchElementException;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.connector.read.PartitionReader;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.vectorized.ColumnarBatch;
import org.jspecify.annotations.Nullable;
import scala.collection.AbstractIterator;
import scala.collection.Iterator;

/**
 * Rows, collected into batches that model batches divide, each from one file at most. A batch is
 * valid until the next one is asked for.
 */
final class RowBatches extends AbstractIterator<ColumnarBatch> {
  private final RowBatchReader batches;
  private boolean hasBatch;

  /**
   * @param rows each valid until the next one
   * @param schema their columns
   * @param modelRows the rows of a model batch
   */
  RowBatches(Iterator<InternalRow> rows, StructType schema, int modelRows) {
    int modelBatches = Math.max(1, RowCollector.BATCH_ROWS / modelRows);
    this.batches = new RowBatchReader(new Rows(rows), schema, modelBatches * modelRows);
  }

  /** A plan's rows as those of a source. */
  private static final class Rows implements PartitionReader<InternalRow> {
    private final Iterator<InternalRow> rows;
    private @Nullable InternalRow row;

    Rows(Iterator<InternalRow> rows) {
      this.rows = rows;
    }

    @Override
    public boolean next() {
      row = rows.hasNext() ? rows.next() : null;
      return row != null;
    }

    @Override
    public InternalRow get() {
      return requireNonNull(row);
    }

    /** Does nothing: the plan below frees what it has when the task ends. */
    @Override
    public void close() {}
  }

  @Override
  public boolean hasNext() {
    if (!hasBatch) {
      try {
        hasBatch = batches.next();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
    return hasBatch;
  }

  @Override
  public ColumnarBatch next() {
    if (!hasNext()) {
      throw new NoSuchElementException();
    }
    hasBatch = false;
    return batches.get();
  }
}
