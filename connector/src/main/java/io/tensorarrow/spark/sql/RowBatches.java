package io.tensorarrow.spark.sql;

import io.tensorarrow.spark.columnar.RowCollector;
import java.util.NoSuchElementException;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.vectorized.ColumnarBatch;
import scala.collection.AbstractIterator;
import scala.collection.Iterator;

/** Rows, collected into batches that model batches divide. Each is valid until the next one. */
final class RowBatches extends AbstractIterator<ColumnarBatch> {
  private final Iterator<InternalRow> rows;
  private final RowCollector collector;

  /**
   * @param rows each valid until the next one
   * @param schema their columns
   * @param modelRows the rows of a model batch
   */
  RowBatches(Iterator<InternalRow> rows, StructType schema, int modelRows) {
    this.rows = rows;
    int modelBatches = Math.max(1, RowCollector.BATCH_ROWS / modelRows);
    this.collector = new RowCollector(schema, modelBatches * modelRows);
  }

  @Override
  public boolean hasNext() {
    return rows.hasNext();
  }

  @Override
  public ColumnarBatch next() {
    if (!rows.hasNext()) {
      throw new NoSuchElementException();
    }
    collector.clear();
    do {
      collector.add(rows.next());
    } while (!collector.isFull() && rows.hasNext());
    return collector.batch();
  }
}
