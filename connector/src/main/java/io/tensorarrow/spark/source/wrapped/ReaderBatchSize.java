package io.tensorarrow.spark.source.wrapped;

import io.tensorarrow.spark.inference.InferenceSpec;
import io.tensorarrow.spark.inference.InferenceSpec.InputBinding;
import io.tensorarrow.spark.tensor.TensorSpec;
import io.tensorarrow.spark.tensor.fetch.TensorColumns;
import org.apache.spark.internal.config.ConfigEntry;
import org.apache.spark.sql.connector.read.PartitionReaderFactory;
import org.apache.spark.sql.execution.datasources.v2.orc.OrcPartitionReaderFactory;
import org.apache.spark.sql.execution.datasources.v2.parquet.ParquetPartitionReaderFactory;
import org.apache.spark.sql.internal.SQLConf;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.NumericType;
import org.apache.spark.sql.types.StructType;

/**
 * Bounds the batches of Spark's own vectorised readers of Parquet and ORC by the size of a model's
 * inputs. By default they hold 4096 rows of any width, and images would fill the heap.
 *
 * <p>Static; for the driver, since the factories lack their configuration elsewhere.
 */
public final class ReaderBatchSize {
  /** About how many bytes the inputs of a batch take, where a model call does not need more. */
  static final long BYTES = 32 << 20;

  /**
   * What a reader keeps for each element of an array besides the element: Parquet's two levels, and
   * about as much in ORC, which holds all numbers in 8 bytes.
   */
  private static final int LEVEL_BYTES = 8;

  private ReaderBatchSize() {}

  /**
   * Returns a factory whose batches are as small as the inputs of a spec demand.
   *
   * @param factory the wrapped source's
   * @param spec what to run over the batches
   * @param schema the columns of the batches
   * @return a copy of a factory for Parquet or ORC, whose batches hold at least {@code
   *     spec.batch().rows()} rows but no more than the session wants; any other factory, and any if
   *     no model runs, as it is
   */
  public static PartitionReaderFactory bounded(
      PartitionReaderFactory factory, InferenceSpec spec, StructType schema) {
    if (!spec.runsModel()) {
      return factory;
    }
    double fitting = BYTES / Math.max(1, bytesPerRow(spec, schema));
    int rows = (int) Math.min(Integer.MAX_VALUE, Math.max(spec.batch().rows(), fitting));
    // A subclass has more to it than what a copy takes over.
    if (factory.getClass() == ParquetPartitionReaderFactory.class) {
      return bounded((ParquetPartitionReaderFactory) factory, rows);
    }
    if (factory.getClass() == OrcPartitionReaderFactory.class) {
      return bounded((OrcPartitionReaderFactory) factory, rows);
    }
    return factory;
  }

  private static PartitionReaderFactory bounded(ParquetPartitionReaderFactory factory, int rows) {
    SQLConf conf = factory.sqlConf();
    if (conf.parquetVectorizedReaderBatchSize() <= rows) {
      return factory;
    }
    return factory.copy(
        with(conf, SQLConf.PARQUET_VECTORIZED_READER_BATCH_SIZE(), rows),
        factory.broadcastedConf(),
        factory.dataSchema(),
        factory.readDataSchema(),
        factory.partitionSchema(),
        factory.filters(),
        factory.aggregation(),
        factory.options());
  }

  private static PartitionReaderFactory bounded(OrcPartitionReaderFactory factory, int rows) {
    SQLConf conf = factory.sqlConf();
    if (conf.orcVectorizedReaderBatchSize() <= rows) {
      return factory;
    }
    return factory.copy(
        with(conf, SQLConf.ORC_VECTORIZED_READER_BATCH_SIZE(), rows),
        factory.broadcastedConf(),
        factory.dataSchema(),
        factory.readDataSchema(),
        factory.partitionSchema(),
        factory.filters(),
        factory.aggregation(),
        factory.options(),
        factory.memoryMode());
  }

  private static SQLConf with(SQLConf conf, ConfigEntry<?> entry, int rows) {
    SQLConf bounded = conf.clone();
    bounded.setConfString(entry.key(), String.valueOf(rows));
    return bounded;
  }

  /** In floating point, since an estimate may be as large as a long. */
  private static double bytesPerRow(InferenceSpec spec, StructType schema) {
    return spec.inputs().stream().mapToDouble(input -> bytesPerRow(input, schema)).sum();
  }

  private static double bytesPerRow(InputBinding input, StructType schema) {
    TensorSpec tensor = input.tensor();
    double elements = TensorColumns.bytesPerRow(tensor) / (double) tensor.dtype().byteSize();
    DataType type = schema;
    for (String part : input.column().parts()) {
      type = ((StructType) type).apply(part).dataType();
    }
    boolean isArray = type instanceof ArrayType;
    while (type instanceof ArrayType array) {
      type = array.elementType();
    }
    // A column may be of a wider type than its tensor, as doubles that feed floats.
    int width = type instanceof NumericType ? type.defaultSize() : tensor.dtype().byteSize();
    return elements * (width + (isArray ? LEVEL_BYTES : 0));
  }
}
