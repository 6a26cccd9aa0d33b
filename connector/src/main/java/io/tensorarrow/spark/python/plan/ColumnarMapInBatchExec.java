package io.tensorarrow.spark.python.plan;

import io.tensorarrow.spark.columnar.ColumnarUnaryExec;
import io.tensorarrow.spark.columnar.ScalaLists;
import io.tensorarrow.spark.options.Handover;
import io.tensorarrow.spark.python.worker.ColumnForms;
import io.tensorarrow.spark.python.worker.PythonCall;
import io.tensorarrow.spark.python.worker.PythonMetrics;
import io.tensorarrow.spark.python.worker.WireSchema;
import io.tensorarrow.spark.python.worker.WorkerSettings;
import java.util.List;
import org.apache.spark.api.python.ChainedPythonFunctions;
import org.apache.spark.rdd.RDD;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.AttributeSet;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.PythonUDF;
import org.apache.spark.sql.execution.SparkPlan;
import org.apache.spark.sql.execution.metric.SQLMetric;
import org.apache.spark.sql.vectorized.ColumnarBatch;
import scala.collection.IndexedSeq;
import scala.collection.Seq;

/**
 * {@code mapInArrow} and {@code mapInPandas} over a columnar child: batches in, batches out, no
 * rows between. It is planned instead of {@code PythonMapInArrowExec} or {@code MapInPandasExec},
 * and has the same semantics.
 *
 * <p>Immutable; on the driver, but for what {@link #doExecuteColumnar} ships to the tasks. A batch
 * that it returns is valid until the next one is asked for, and belongs to the task.
 */
public final class ColumnarMapInBatchExec extends ColumnarUnaryExec {
  private static final long serialVersionUID = 1;

  private final PythonUDF function;
  private final List<Integer> tensors;
  private final Seq<Attribute> output;
  private final boolean barrier;
  private final String handover;

  // Not an argument: Spark copies plans with other children, and each node has its own metrics.
  private final transient scala.collection.immutable.Map<String, SQLMetric> metrics;

  /**
   * Creates a node; Spark calls this, too, by reflection.
   *
   * @param function the Python function, of {@code mapInArrow} or {@code mapInPandas}
   * @param tensors the ordinals of the child's columns that are unchanged outputs of a model
   * @param output the columns that it returns
   * @param child what it is applied to; columnar
   * @param barrier whether all tasks have to run at once
   * @param handover the name of the {@link Handover} that the scan's reader asked for, but for rows
   */
  public ColumnarMapInBatchExec(
      PythonUDF function,
      List<Integer> tensors,
      Seq<Attribute> output,
      SparkPlan child,
      boolean barrier,
      String handover) {
    super(child);
    this.function = function;
    this.tensors = List.copyOf(tensors);
    this.output = output;
    this.barrier = barrier;
    this.handover = handover;
    this.metrics = PythonMetrics.create(sparkContext());
  }

  @Override
  protected List<Object> arguments() {
    return List.of(function, tensors, output, child(), barrier, handover);
  }

  @Override
  public SparkPlan withNewChildrenInternal(IndexedSeq<SparkPlan> children) {
    return new ColumnarMapInBatchExec(
        function, tensors, output, children.apply(0), barrier, handover);
  }

  /** Shows the transfer mode instead of the arguments, which are numbers. */
  @Override
  public String simpleString(int maxFields) {
    return nodeName()
        + (Handover.of(handover) == Handover.ARROW
            ? " handover=arrow reason=set by the read's option"
            : " handover=shared-memory")
        + " "
        + function.name()
        + output.mkString("[", ", ", "]");
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
  public scala.collection.immutable.Map<String, SQLMetric> metrics() {
    return metrics;
  }

  @Override
  public RDD<ColumnarBatch> doExecuteColumnar() {
    PythonCall call =
        new PythonCall(
            List.of(new ChainedPythonFunctions(ScalaLists.of(function.func()))),
            List.of(),
            function.evalType(),
            Handover.of(handover),
            new WireSchema(
                child().schema(),
                ColumnForms.of(child().schema(), tensors, function.name()),
                schema()),
            WorkerSettings.of(conf()),
            metrics);
    return barrier ? evaluatedBehindBarrier(call) : evaluated(call);
  }
}
