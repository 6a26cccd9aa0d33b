package io.tensorarrow.spark.columnar;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.ProjectingInternalRow;
import org.apache.spark.sql.execution.RowToColumnConverter;
import org.apache.spark.sql.execution.datasources.parquet.ParquetReadSupport$;
import org.apache.spark.sql.execution.vectorized.OnHeapColumnVector;
import org.apache.spark.sql.execution.vectorized.WritableColumnVector;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.BinaryType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.MapType;
import org.apache.spark.sql.types.StringType;
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

  private final int maxRows;
  private final RowToColumnConverter converter;

  /** The row's first columns: the converter uses a row's own number of columns. */
  private final ProjectingInternalRow projection;

  private final WritableColumnVector[] columns;
  private final List<WritableColumnVector> growing = new ArrayList<>();
  private final ColumnarBatch batch;
  private int size;

  /**
   * Creates an empty batch.
   *
   * @param schema the columns to take of the rows; rows may have others behind them
   * @param maxRows the most rows of a batch
   */
  public RowCollector(StructType schema, int maxRows) {
    this.maxRows = maxRows;
    // The converter knows no user-defined types; rows hold their values as the SQL type below them.
    StructType sqlTypes = ParquetReadSupport$.MODULE$.expandUDT(schema);
    this.converter = new RowToColumnConverter(sqlTypes);
    this.projection =
        ProjectingInternalRow.apply(
            sqlTypes,
            JavaConverters.asScalaBuffer(
                    IntStream.range(0, sqlTypes.size()).<Object>mapToObj(i -> i).toList())
                .toIndexedSeq());
    this.columns = OnHeapColumnVector.allocateColumns(Math.min(maxRows, BATCH_ROWS), sqlTypes);
    for (WritableColumnVector column : columns) {
      addGrowing(column, growing);
    }
    this.batch = new ColumnarBatch(columns);
  }

  /** Empties the batch. */
  public void clear() {
    for (WritableColumnVector column : columns) {
      column.reset();
    }
    size = 0;
  }

  /** Returns whether another row has to go into the next batch. */
  public boolean isFull() {
    return size >= maxRows || bytes() >= BATCH_BYTES;
  }

  /** Returns how many rows the batch has. */
  public int size() {
    return size;
  }

  /** Copies a row to the end of the batch. */
  public void add(InternalRow row) {
    projection.project(row);
    converter.convert(projection, columns);
    size++;
  }

  /** Returns the batch, valid until it is emptied or closed. */
  public ColumnarBatch batch() {
    batch.setNumRows(size);
    return batch;
  }

  @Override
  public void close() {
    batch.close();
  }

  /** Returns about how many bytes the batch's cells take beyond those of fixed size. */
  private long bytes() {
    long bytes = 0;
    for (WritableColumnVector part : growing) {
      bytes += (long) part.getElementsAppended() * part.dataType().defaultSize();
    }
    return bytes;
  }

  /** Finds the vectors that hold the elements of arrays and maps, and the bytes of texts. */
  private static void addGrowing(WritableColumnVector column, List<WritableColumnVector> vectors) {
    DataType type = column.dataType();
    if (type instanceof ArrayType || type instanceof StringType || type instanceof BinaryType) {
      vectors.add(column.arrayData());
      addGrowing(column.arrayData(), vectors);
    } else if (type instanceof MapType) {
      for (int i = 0; i < 2; i++) {
        vectors.add(column.getChild(i));
        addGrowing(column.getChild(i), vectors);
      }
    } else if (type instanceof StructType struct) {
      for (int i = 0; i < struct.size(); i++) {
        addGrowing(column.getChild(i), vectors);
      }
    }
  }
}
