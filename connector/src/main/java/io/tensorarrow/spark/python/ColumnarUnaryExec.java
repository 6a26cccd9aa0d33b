package io.tensorarrow.spark.python;

import java.util.List;
import org.apache.spark.PartitionEvaluatorFactory;
import org.apache.spark.rdd.RDD;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.plans.physical.Partitioning;
import org.apache.spark.sql.execution.SparkPlan;
import org.apache.spark.sql.vectorized.ColumnarBatch;
import org.jspecify.annotations.Nullable;
import scala.collection.Seq;
import scala.reflect.ClassTag;
import scala.reflect.ClassTag$;

/** A columnar node over a columnar child: what Scala's case classes have for nothing. */
abstract class ColumnarUnaryExec extends SparkPlan {
  private static final long serialVersionUID = 1;

  private static final ClassTag<ColumnarBatch> BATCHES =
      ClassTag$.MODULE$.apply(ColumnarBatch.class);

  private final SparkPlan child;

  ColumnarUnaryExec(SparkPlan child) {
    this.child = child;
  }

  /** Returns what the constructor takes, in its order: Spark makes nodes anew with it. */
  abstract List<Object> arguments();

  final SparkPlan child() {
    return child;
  }

  /** Returns the child's batches, as {@code evaluator} makes others of them. */
  final RDD<ColumnarBatch> evaluated(
      PartitionEvaluatorFactory<ColumnarBatch, ColumnarBatch> evaluator) {
    return child.executeColumnar().mapPartitionsWithEvaluator(evaluator, BATCHES);
  }

  /** Does it with all tasks at once, or with none. */
  final RDD<ColumnarBatch> evaluatedBehindBarrier(
      PartitionEvaluatorFactory<ColumnarBatch, ColumnarBatch> evaluator) {
    return child.executeColumnar().barrier().mapPartitionsWithEvaluator(evaluator, BATCHES);
  }

  @Override
  public final Seq<SparkPlan> children() {
    return ScalaLists.of(child);
  }

  @Override
  public final int productArity() {
    return arguments().size();
  }

  @Override
  public final Object productElement(int n) {
    return arguments().get(n);
  }

  @Override
  public final boolean canEqual(Object other) {
    return getClass().isInstance(other);
  }

  @Override
  public final boolean equals(@Nullable Object other) {
    return other instanceof ColumnarUnaryExec that
        && getClass() == that.getClass()
        && arguments().equals(that.arguments());
  }

  @Override
  public final int hashCode() {
    return arguments().hashCode();
  }

  @Override
  public Partitioning outputPartitioning() {
    return child.outputPartitioning();
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
