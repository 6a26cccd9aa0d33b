package io.tensorarrow.spark.columnar;

import java.util.stream.IntStream;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.ProjectingInternalRow;
import org.apache.spark.sql.execution.RowToColumnConverter;
import org.apache.spark.sql.execution.datasources.parquet.ParquetReadSupport$;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.vectorized.ColumnarBatch;
import scala.collection.JavaConverters;

/** Copies rows into the columns of a batch, whose memory is on the heap. Not thread-safe. */
public final class RowCollector implements AutoCloseable {
  /** As many rows as Spark's Parquet reader puts into a batch by default. */
  public static final int BATCH_ROWS = 4096;

  /**
   * A batch ends with the row that reaches this many bytes of arrays, texts and binaries: Spark's
   * vectors can't hold 2 GiB of them, nor can the heap hold 4096 rows of large images.
   */
  public static final long BATCH_BYTES = 32 << 20;

  private final RowToColumnConverter converter;

  /** The row's first columns: the converter uses a row's own number of columns. */
  private final ProjectingInternalRow projection;

  private final HeapColumns columns;

  /**
   * Creates an empty batch.
   *
   * @param schema the columns to take of the rows; rows may have others behind them
   * @param maxRows the most rows of a batch
   */
  public RowCollector(StructType schema, int maxRows) {
    // The converter knows no user-defined types; rows hold their values as the SQL type below them.
    StructType sqlTypes = ParquetReadSupport$.MODULE$.expandUDT(schema);
    this.converter = new RowToColumnConverter(sqlTypes);
    this.projection =
        ProjectingInternalRow.apply(
            sqlTypes,
            JavaConverters.asScalaBuffer(
                    IntStream.range(0, sqlTypes.size()).<Object>mapToObj(i -> i).toList())
                .toIndexedSeq());
    this.columns = new HeapColumns(sqlTypes, maxRows);
  }

  /** Empties the batch. */
  public void clear() {
    columns.clear();
  }

  /** Returns whether another row has to go into the next batch. */
  public boolean isFull() {
    return columns.isFull();
  }

  /** Returns how many rows the batch has. */
  public int size() {
    return columns.size();
  }

  /** Copies a row to the end of the batch. */
  public void add(InternalRow row) {
    projection.project(row);
    converter.convert(projection, columns.columns());
    columns.added(1);
  }

  /** Returns the batch, valid until it is emptied or closed. */
  public ColumnarBatch batch() {
    return columns.batch();
  }

  @Override
  public void close() {
    columns.close();
  }
}
