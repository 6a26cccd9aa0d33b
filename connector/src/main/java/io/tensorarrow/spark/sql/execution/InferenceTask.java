package io.tensorarrow.spark.sql.execution;

import io.tensorarrow.spark.inference.InferenceSpec;
import io.tensorarrow.spark.source.ScanMetric;
import java.io.Serializable;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.execution.metric.SQLMetric;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.vectorized.ColumnarBatch;
import scala.collection.Iterator;

/**
 * What the tasks of an inference do; shipped to the executors.
 *
 * @param spec what to run
 * @param schema the arguments' columns, by the names that the spec has for them
 * @param columns how many columns to take of the child's batches; they may have others behind
 *     these, as Iceberg's have where rows were deleted
 * @param inputs the ordinals of the arguments in the child's batches
 * @param resultTypes the types of the outputs
 * @param condition the ordinal of the column that is true for rows to run, or -1 to run all
 * @param acrossFiles whether a batch may hold rows of several files
 * @param metrics the node's metrics
 */
record InferenceTask(
    InferenceSpec spec,
    StructType schema,
    int columns,
    List<Integer> inputs,
    List<DataType> resultTypes,
    int condition,
    boolean acrossFiles,
    Map<ScanMetric, SQLMetric> metrics)
    implements Serializable {
  InferenceTask {
    inputs = List.copyOf(inputs);
    resultTypes = List.copyOf(resultTypes);
    metrics = new EnumMap<>(metrics);
  }

  /**
   * Runs the model over the batches of a partition.
   *
   * @param batchSchema the columns of the batches
   */
  java.util.Iterator<ColumnarBatch> overBatches(
      int partition, Iterator<ColumnarBatch> batches, StructType batchSchema) {
    return condition < 0
        ? new GatheredBatches(this, partition, batches, batchSchema)
        : new ConditionalBatches(this, partition, batches);
  }

  /** Runs the model over the rows of a partition, which are collected into batches. */
  java.util.Iterator<ColumnarBatch> overRows(
      int partition, Iterator<InternalRow> rows, StructType rowSchema) {
    return overBatches(partition, new RowBatches(rows, rowSchema, spec.batch().rows()), rowSchema);
  }
}
