package io.tensorarrow.spark.source.wrapped;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.ProjectingInternalRow;
import org.apache.spark.sql.connector.metric.CustomTaskMetric;
import org.apache.spark.sql.connector.read.PartitionReader;
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
import org.jspecify.annotations.Nullable;
import scala.collection.JavaConverters;

/**
 * Collects the rows of a source without columnar reads into batches, each from one file, because
 * {@code input_file_name()} is asked for batches as a whole. The batch is valid until the next one
 * is asked for.
 */
public final class RowBatchReader implements PartitionReader<ColumnarBatch> {
  /** As many rows as Spark's Parquet reader puts into a batch by default. */
  static final int BATCH_ROWS = 4096;

  /**
   * A batch ends with the row that reaches this many bytes of arrays, texts and binaries: Spark's
   * vectors can't hold 2 GiB of them, nor can the heap hold 4096 rows of large images.
   */
  static final long BATCH_BYTES = 32 << 20;

  private final PartitionReader<InternalRow> rows;
  private final RowToColumnConverter converter;

  /** The row's first columns: the converter uses a row's own number of columns. */
  private final ProjectingInternalRow projection;

  private final WritableColumnVector[] columns;
  private final List<WritableColumnVector> growing = new ArrayList<>();
  private final ColumnarBatch batch;

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
    this.rows = rows;
    // The converter knows no user-defined types; rows hold their values as the SQL type below them.
    StructType sqlTypes = ParquetReadSupport$.MODULE$.expandUDT(schema);
    this.converter = new RowToColumnConverter(sqlTypes);
    this.projection =
        ProjectingInternalRow.apply(
            sqlTypes,
            JavaConverters.asScalaBuffer(
                    IntStream.range(0, sqlTypes.size()).<Object>mapToObj(i -> i).toList())
                .toIndexedSeq());
    this.columns = OnHeapColumnVector.allocateColumns(BATCH_ROWS, sqlTypes);
    for (WritableColumnVector column : columns) {
      addGrowing(column, growing);
    }
    this.batch = new ColumnarBatch(columns);
  }

  @Override
  public boolean next() throws IOException {
    for (WritableColumnVector column : columns) {
      column.reset();
    }
    int size = 0;
    FileBlock file = null;
    while (size < BATCH_ROWS && bytes() < BATCH_BYTES) {
      FileBlock rowFile = advance();
      if (rowFile == null) {
        break;
      }
      if (size > 0 && !rowFile.equals(file)) {
        pendingFile = rowFile;
        break;
      }
      file = rowFile;
      projection.project(rows.get());
      converter.convert(projection, columns);
      size++;
    }
    if (file != null) {
      file.makeCurrent();
    }
    batch.setNumRows(size);
    return size > 0;
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
