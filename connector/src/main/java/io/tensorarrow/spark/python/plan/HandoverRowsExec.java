package io.tensorarrow.spark.python.plan;

import io.tensorarrow.spark.columnar.UnaryPlan;
import java.util.List;
import org.apache.spark.rdd.RDD;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.SortOrder;
import org.apache.spark.sql.execution.SparkPlan;
import org.apache.spark.sql.execution.metric.SQLMetric;
import org.apache.spark.sql.execution.metric.SQLMetrics;
import scala.Tuple2;
import scala.collection.IndexedSeq;
import scala.collection.Iterator;
import scala.collection.Seq;
import scala.reflect.ClassTag;
import scala.reflect.ClassTag$;

/**
 * Shows in the plan, below one of Spark's own Python nodes, why its input goes row by row. Passes
 * the rows on and counts them.
 *
 * <p>Immutable; on the driver, but for what {@link #doExecute} ships to the tasks.
 */
public final class HandoverRowsExec extends UnaryPlan {
  private static final long serialVersionUID = 1;

  private static final String ROWS = "numOutputRows";
  private static final ClassTag<InternalRow> INTERNAL_ROWS =
      ClassTag$.MODULE$.apply(InternalRow.class);

  private final String reason;
  private final transient scala.collection.immutable.Map<String, SQLMetric> metrics;

  /**
   * Creates a node; Spark calls this, too, by reflection.
   *
   * @param reason why the input is rows; shown by EXPLAIN
   * @param child any plan
   */
  public HandoverRowsExec(String reason, SparkPlan child) {
    super(child);
    this.reason = reason;
    scala.collection.immutable.Map<String, SQLMetric> none =
        scala.collection.immutable.Map$.MODULE$.empty();
    this.metrics =
        none.$plus(
            new Tuple2<>(
                ROWS, SQLMetrics.createMetric(sparkContext(), "rows handed over one by one")));
  }

  @Override
  protected List<Object> arguments() {
    return List.of(reason, child());
  }

  @Override
  public SparkPlan withNewChildrenInternal(IndexedSeq<SparkPlan> children) {
    return new HandoverRowsExec(reason, children.apply(0));
  }

  @Override
  public String simpleString(int maxFields) {
    return nodeName() + " reason=" + reason;
  }

  @Override
  public Seq<Attribute> output() {
    return child().output();
  }

  @Override
  public Seq<SortOrder> outputOrdering() {
    return child().outputOrdering();
  }

  @Override
  public scala.collection.immutable.Map<String, SQLMetric> metrics() {
    return metrics;
  }

  @Override
  public RDD<InternalRow> doExecute() {
    SQLMetric rows = metrics.apply(ROWS);
    return child()
        .execute()
        .mapPartitionsWithEvaluator(
            () -> (index, inputs) -> counted(inputs.head(), rows), INTERNAL_ROWS);
  }

  private static Iterator<InternalRow> counted(Iterator<InternalRow> rows, SQLMetric count) {
    return rows.map(
        row -> {
          count.add(1);
          return row;
        });
  }
}
