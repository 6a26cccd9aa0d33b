package io.tensorarrow.spark.source.wrapped;

import java.io.IOException;
import java.util.Arrays;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import org.apache.spark.rdd.InputFileBlockHolder;
import org.apache.spark.sql.catalyst.expressions.GenericInternalRow;
import org.apache.spark.sql.connector.catalog.MetadataColumn;
import org.apache.spark.sql.connector.metric.CustomTaskMetric;
import org.apache.spark.sql.connector.read.PartitionReader;
import org.apache.spark.sql.execution.datasources.FileFormat$;
import org.apache.spark.sql.execution.datasources.FilePartition;
import org.apache.spark.sql.execution.datasources.PartitionedFile;
import org.apache.spark.sql.execution.vectorized.ColumnVectorUtils;
import org.apache.spark.sql.execution.vectorized.ConstantColumnVector;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.Metadata;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.vectorized.ColumnVector;
import org.apache.spark.sql.vectorized.ColumnarBatch;
import scala.collection.JavaConverters;

/**
 * Adds {@code _metadata} to the batches of a file source, behind its columns: path, name, size,
 * time and block of the file that the batch was read from. Spark 3.5 has this column in its readers
 * of version 1 only.
 *
 * <p>Owns the reader below, and nothing else; used by one thread at a time.
 */
public final class FileMetadata implements PartitionReader<ColumnarBatch> {
  /** The hidden column, with the fields that Spark's own has for every file format. */
  public static final MetadataColumn COLUMN = new Column();

  private final PartitionReader<ColumnarBatch> source;
  private final Map<Block, PartitionedFile> files;
  private final StructType type;

  /**
   * Wraps a reader, and owns it from now on.
   *
   * @param source the file source's reader, whose batches are from one file each; closed by this
   *     one
   * @param files what it reads
   * @param type the fields of the column to add
   */
  public FileMetadata(PartitionReader<ColumnarBatch> source, FilePartition files, StructType type) {
    this.source = source;
    // A partition may hold thousands of small files, each of which gives a batch.
    this.files =
        Arrays.stream(files.files())
            .collect(
                Collectors.toMap(
                    file -> new Block(file.urlEncodedPath(), file.start()),
                    file -> file,
                    (first, equal) -> first));
    this.type = type;
  }

  private record Block(String path, long start) {}

  private record Column() implements MetadataColumn {
    @Override
    public String name() {
      return FileFormat$.MODULE$.METADATA_NAME();
    }

    @Override
    public DataType dataType() {
      return new StructType(
          JavaConverters.seqAsJavaList(FileFormat$.MODULE$.BASE_METADATA_FIELDS()).stream()
              .map(
                  field -> new StructField(field.name(), field.dataType(), false, Metadata.empty()))
              .toArray(StructField[]::new));
    }

    @Override
    public boolean isNullable() {
      return false;
    }
  }

  /** Returns the column with all its fields. */
  public static StructField field() {
    return new StructType().add(COLUMN.name(), COLUMN.dataType(), false).fields()[0];
  }

  @Override
  public boolean next() throws IOException {
    return source.next();
  }

  @Override
  public ColumnarBatch get() {
    ColumnarBatch batch = source.get();
    ColumnVector[] columns = new ColumnVector[batch.numCols() + 1];
    for (int i = 0; i < batch.numCols(); i++) {
      columns[i] = batch.column(i);
    }
    columns[batch.numCols()] = column(current(), batch.numRows());
    return new ColumnarBatch(columns, batch.numRows());
  }

  /** Returns the file whose block the source's reader made known to {@code input_file_name()}. */
  private PartitionedFile current() {
    Block block =
        new Block(
            InputFileBlockHolder.getInputFilePath().toString(),
            InputFileBlockHolder.getStartOffset());
    PartitionedFile file = files.get(block);
    if (file == null) {
      throw new IllegalStateException("no " + block + " in " + files.keySet());
    }
    return file;
  }

  private ColumnVector column(PartitionedFile file, int rows) {
    ConstantColumnVector column = new ConstantColumnVector(rows, type);
    for (int i = 0; i < type.size(); i++) {
      ConstantColumnVector field = new ConstantColumnVector(rows, type.apply(i).dataType());
      Object value =
          Objects.requireNonNull(
              FileFormat$.MODULE$
                  .getFileConstantMetadataColumnValue(
                      type.apply(i).name(), file, FileFormat$.MODULE$.BASE_METADATA_EXTRACTORS())
                  .value());
      ColumnVectorUtils.populate(field, new GenericInternalRow(new Object[] {value}), 0);
      column.setChild(i, field);
    }
    return column;
  }

  @Override
  public CustomTaskMetric[] currentMetricsValues() {
    return source.currentMetricsValues();
  }

  @Override
  public void initMetricsValues(CustomTaskMetric[] metrics) {
    source.initMetricsValues(metrics);
  }

  @Override
  public void close() throws IOException {
    source.close();
  }
}
