package io.tensorarrow.spark.python;

import java.util.Objects;
import org.apache.spark.api.python.ChainedPythonFunctions;
import org.apache.spark.rdd.RDD;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.AttributeSet;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.PythonUDF;
import org.apache.spark.sql.catalyst.plans.physical.Partitioning;
import org.apache.spark.sql.execution.SparkPlan;
import org.apache.spark.sql.execution.metric.SQLMetric;
import org.apache.spark.sql.vectorized.ColumnarBatch;
import org.jspecify.annotations.Nullable;
import scala.collection.IndexedSeq;
import scala.collection.Seq;
import scala.reflect.ClassTag;
import scala.reflect.ClassTag$;

/**
 * {@code mapInArrow} and {@code mapInPandas} over a columnar child: batches in, batches out, no
 * rows between. It stands where Spark plans {@code PythonMapInArrowExec} or {@code
 * MapInPandasExec}, and keeps their promises.
 *
 * <p>Immutable; on the driver, but for what {@link #doExecuteColumnar} ships to the tasks. A batch
 * that it returns is valid until the next one is asked for, and belongs to the task.
 */
public final class ColumnarMapInBatchExec extends SparkPlan {
  private static final long serialVersionUID = 1;
  private static final ClassTag<ColumnarBatch> BATCHES =
      ClassTag$.MODULE$.apply(ColumnarBatch.class);

  private final Expression function;
  private final Seq<Attribute> output;
  private final SparkPlan child;
  private final boolean barrier;
  private final int evalType;

  // Spark makes plans anew with other children; the metrics are the node's own.
  private final transient scala.collection.immutable.Map<String, SQLMetric> metrics;

  /**
   * Makes a node; Spark itself calls this, too, with what {@link #productElement} returns.
   *
   * @param function the Python function
   * @param output the columns that it returns
   * @param child what it is applied to; columnar
   * @param barrier whether all tasks have to run at once
   * @param evalType {@code SQL_MAP_ARROW_ITER_UDF} or {@code SQL_MAP_PANDAS_ITER_UDF}
   */
  public ColumnarMapInBatchExec(
      Expression function, Seq<Attribute> output, SparkPlan child, boolean barrier, int evalType) {
    this.function = function;
    this.output = output;
    this.child = child;
    this.barrier = barrier;
    this.evalType = evalType;
    this.metrics = PythonMetrics.create(sparkContext());
  }

  @Override
  public Seq<SparkPlan> children() {
    return ScalaLists.of(child);
  }

  @Override
  public SparkPlan withNewChildrenInternal(IndexedSeq<SparkPlan> children) {
    return new ColumnarMapInBatchExec(function, output, children.apply(0), barrier, evalType);
  }

  @Override
  public int productArity() {
    return 5;
  }

  @Override
  public Object productElement(int n) {
    return switch (n) {
      case 0 -> function;
      case 1 -> output;
      case 2 -> child;
      case 3 -> barrier;
      case 4 -> evalType;
      default -> throw new IndexOutOfBoundsException(n);
    };
  }

  @Override
  public boolean canEqual(Object other) {
    return other instanceof ColumnarMapInBatchExec;
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof ColumnarMapInBatchExec that
        && function.equals(that.function)
        && output.equals(that.output)
        && child.equals(that.child)
        && barrier == that.barrier
        && evalType == that.evalType;
  }

  @Override
  public int hashCode() {
    return Objects.hash(function, output, child, barrier, evalType);
  }

  @Override
  public Seq<Attribute> output() {
    return output;
  }

  @Override
  @SuppressWarnings("unchecked")
  public AttributeSet producedAttributes() {
    return AttributeSet.apply((Seq<Expression>) (Seq<?>) output);
  }

  @Override
  public Partitioning outputPartitioning() {
    return child.outputPartitioning();
  }

  @Override
  public scala.collection.immutable.Map<String, SQLMetric> metrics() {
    return metrics;
  }

  @Override
  public boolean supportsColumnar() {
    return true;
  }

  @Override
  public RDD<InternalRow> doExecute() {
    throw new UnsupportedOperationException("a columnar node: Spark puts ColumnarToRow above it");
  }

  @Override
  public RDD<ColumnarBatch> doExecuteColumnar() {
    ChainedPythonFunctions chain =
        new ChainedPythonFunctions(ScalaLists.of(((PythonUDF) function).func()));
    PythonCall call =
        new PythonCall(
            chain, evalType, child.schema(), schema(), WorkerSettings.of(conf()), metrics);
    RDD<ColumnarBatch> batches = child.executeColumnar();
    return barrier
        ? batches.barrier().mapPartitionsWithEvaluator(call, BATCHES)
        : batches.mapPartitionsWithEvaluator(call, BATCHES);
  }
}
