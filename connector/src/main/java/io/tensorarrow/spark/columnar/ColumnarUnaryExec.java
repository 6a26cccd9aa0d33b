package io.tensorarrow.spark.columnar;

import org.apache.spark.PartitionEvaluatorFactory;
import org.apache.spark.rdd.RDD;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.execution.SparkPlan;
import org.apache.spark.sql.vectorized.ColumnarBatch;
import scala.reflect.ClassTag;
import scala.reflect.ClassTag$;

/** A columnar node over a columnar child. */
public abstract class ColumnarUnaryExec extends UnaryPlan {
  private static final long serialVersionUID = 1;

  private static final ClassTag<ColumnarBatch> BATCHES =
      ClassTag$.MODULE$.apply(ColumnarBatch.class);

  protected ColumnarUnaryExec(SparkPlan child) {
    super(child);
  }

  /** Applies an evaluator to each partition of the child. */
  protected final RDD<ColumnarBatch> evaluated(
      PartitionEvaluatorFactory<ColumnarBatch, ColumnarBatch> evaluator) {
    return child().executeColumnar().mapPartitionsWithEvaluator(evaluator, BATCHES);
  }

  /**
   * Applies an evaluator in barrier mode, with all tasks at once. Not by {@code
   * mapPartitionsWithEvaluator}, which loses the barrier in Spark 3.5.
   */
  protected final RDD<ColumnarBatch> evaluatedBehindBarrier(
      PartitionEvaluatorFactory<ColumnarBatch, ColumnarBatch> evaluator) {
    return child()
        .executeColumnar()
        .barrier()
        .mapPartitionsWithIndex(new EvaluatedPartition(evaluator), false, BATCHES);
  }

  @Override
  public final boolean supportsColumnar() {
    return true;
  }

  @Override
  public final RDD<InternalRow> doExecute() {
    throw new UnsupportedOperationException("a columnar node: Spark puts ColumnarToRow above it");
  }
}
