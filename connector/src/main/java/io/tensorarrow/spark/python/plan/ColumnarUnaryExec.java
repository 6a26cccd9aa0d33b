package io.tensorarrow.spark.python.plan;

import org.apache.spark.PartitionEvaluatorFactory;
import org.apache.spark.rdd.RDD;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.execution.SparkPlan;
import org.apache.spark.sql.vectorized.ColumnarBatch;
import scala.reflect.ClassTag;
import scala.reflect.ClassTag$;

/** A columnar node over a columnar child. */
abstract class ColumnarUnaryExec extends UnaryPlan {
  private static final long serialVersionUID = 1;

  private static final ClassTag<ColumnarBatch> BATCHES =
      ClassTag$.MODULE$.apply(ColumnarBatch.class);

  ColumnarUnaryExec(SparkPlan child) {
    super(child);
  }

  /** Returns the child's batches, as {@code evaluator} makes others of them. */
  final RDD<ColumnarBatch> evaluated(
      PartitionEvaluatorFactory<ColumnarBatch, ColumnarBatch> evaluator) {
    return child().executeColumnar().mapPartitionsWithEvaluator(evaluator, BATCHES);
  }

  /**
   * Does it with all tasks at once, or with none. Spark 3.5 forgets the barrier when it is given
   * the evaluator itself.
   */
  final RDD<ColumnarBatch> evaluatedBehindBarrier(
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
