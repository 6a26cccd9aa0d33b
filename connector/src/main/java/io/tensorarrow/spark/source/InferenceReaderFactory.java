package io.tensorarrow.spark.source;

import com.esotericsoftware.kryo.DefaultSerializer;
import com.esotericsoftware.kryo.serializers.JavaSerializer;
import io.tensorarrow.spark.source.wrapped.FileMetadata;
import io.tensorarrow.spark.source.wrapped.RowBatchReader;
import java.io.IOException;
import java.util.function.Function;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.connector.read.InputPartition;
import org.apache.spark.sql.connector.read.PartitionReader;
import org.apache.spark.sql.connector.read.PartitionReaderFactory;
import org.apache.spark.sql.execution.datasources.FilePartition;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.vectorized.ColumnarBatch;

/** Makes readers on the executors; all that travels there is in here and in the partitions. */
// Kryo can't read the fields of records.
@DefaultSerializer(JavaSerializer.class)
final class InferenceReaderFactory implements PartitionReaderFactory {
  private static final long serialVersionUID = 1L;

  private final PartitionReaderFactory source;
  private final ReadPlan plan;

  /**
   * @param source makes the wrapped source's readers
   * @param plan what to do with their batches
   */
  InferenceReaderFactory(PartitionReaderFactory source, ReadPlan plan) {
    this.source = source;
    this.plan = plan;
  }

  /** Returns what its readers do. */
  ReadPlan plan() {
    return plan;
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
    InferencePartition planned = (InferencePartition) partition;
    return wrap(
        withMetadata(sourceReader(planned), planned),
        reader -> new InferencePartitionReader(reader, plan));
  }

  private PartitionReader<ColumnarBatch> withMetadata(
      PartitionReader<ColumnarBatch> reader, InferencePartition partition) {
    StructField metadata = plan.metadata();
    return metadata == null
        ? reader
        : new FileMetadata(
            reader, (FilePartition) partition.source(), (StructType) metadata.dataType());
  }

  private PartitionReader<ColumnarBatch> sourceReader(InferencePartition partition) {
    return partition.columnar()
        ? source.createColumnarReader(partition.source())
        : wrap(
            source.createReader(partition.source()),
            rows -> new RowBatchReader(rows, plan.sourceSchema()));
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
