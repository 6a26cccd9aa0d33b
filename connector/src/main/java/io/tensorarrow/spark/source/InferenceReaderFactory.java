package io.tensorarrow.spark.source;

import com.esotericsoftware.kryo.DefaultSerializer;
import com.esotericsoftware.kryo.serializers.JavaSerializer;
import io.tensorarrow.spark.inference.InferenceSpec;
import io.tensorarrow.spark.source.wrapped.FileMetadata;
import io.tensorarrow.spark.source.wrapped.RowBatchReader;
import java.io.IOException;
import java.util.Optional;
import java.util.function.Function;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.connector.read.InputPartition;
import org.apache.spark.sql.connector.read.PartitionReader;
import org.apache.spark.sql.connector.read.PartitionReaderFactory;
import org.apache.spark.sql.execution.datasources.FilePartition;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.vectorized.ColumnarBatch;
import org.jspecify.annotations.Nullable;

/** Makes readers on the executors; all that travels there is in here and in the partitions. */
// Kryo can't read the fields of records.
@DefaultSerializer(JavaSerializer.class)
final class InferenceReaderFactory implements PartitionReaderFactory {
  private static final long serialVersionUID = 1L;

  private final PartitionReaderFactory source;
  private final StructType sourceSchema;
  private final @Nullable StructField metadata;
  private final StructType readSchema;
  private final InferenceSpec spec;
  private final @Nullable Expression filter;
  private final int limit;

  /**
   * Takes what readers need.
   *
   * @param source makes the wrapped source's readers
   * @param sourceSchema the columns of their batches
   * @param metadata the fields of {@code _metadata} to add to those, or null
   * @param readSchema the columns of ours
   * @param spec what to run
   * @param filter the residual filters, bound to {@code sourceSchema} and {@code metadata}, or null
   * @param limit the most rows of a partition
   */
  InferenceReaderFactory(
      PartitionReaderFactory source,
      StructType sourceSchema,
      @Nullable StructField metadata,
      StructType readSchema,
      InferenceSpec spec,
      @Nullable Expression filter,
      int limit) {
    this.source = source;
    this.sourceSchema = sourceSchema;
    this.metadata = metadata;
    this.readSchema = readSchema;
    this.spec = spec;
    this.filter = filter;
    this.limit = limit;
  }

  /** Returns what its readers run. */
  InferenceSpec spec() {
    return spec;
  }

  @Override
  public boolean supportColumnarReads(InputPartition partition) {
    return true;
  }

  @Override
  public PartitionReader<InternalRow> createReader(InputPartition partition) {
    throw new UnsupportedOperationException("every partition is read in columns");
  }

  @Override
  public PartitionReader<ColumnarBatch> createColumnarReader(InputPartition partition) {
    InferencePartition ours = (InferencePartition) partition;
    StructType schema = InferenceBatch.withMetadata(sourceSchema, Optional.ofNullable(metadata));
    return wrap(
        withMetadata(sourceReader(ours), ours),
        reader -> new InferencePartitionReader(reader, schema, readSchema, spec, filter, limit));
  }

  private PartitionReader<ColumnarBatch> withMetadata(
      PartitionReader<ColumnarBatch> reader, InferencePartition partition) {
    StructField added = metadata;
    return added == null
        ? reader
        : new FileMetadata(
            reader, (FilePartition) partition.source(), (StructType) added.dataType());
  }

  private PartitionReader<ColumnarBatch> sourceReader(InferencePartition partition) {
    return partition.columnar()
        ? source.createColumnarReader(partition.source())
        : wrap(
            source.createReader(partition.source()),
            rows -> new RowBatchReader(rows, sourceSchema));
  }

  /** Hands a reader over to another; closes it where that fails, since nobody else would. */
  private static <T> PartitionReader<ColumnarBatch> wrap(
      PartitionReader<T> reader,
      Function<PartitionReader<T>, PartitionReader<ColumnarBatch>> wrapper) {
    try {
      return wrapper.apply(reader);
    } catch (RuntimeException | Error e) {
      try {
        reader.close();
      } catch (IOException closing) {
        e.addSuppressed(closing);
      }
      throw e;
    }
  }
}
