package io.tensorarrow.spark.python.plan;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.execution.SparkPlan;
import org.apache.spark.sql.execution.SparkStrategy;
import scala.collection.JavaConverters;
import scala.collection.Seq;

/**
 * Plans Python functions over inference scans, or over each other, in columns.
 *
 * <p>Stateless; Spark calls it in the thread that plans.
 */
public final class ColumnarPythonStrategy extends SparkStrategy {
  @Override
  public Seq<SparkPlan> apply(LogicalPlan plan) {
    List<SparkPlan> planned = new ArrayList<>();
    Optional<ColumnarPlan> columnar = ColumnarPlan.of(plan);
    if (columnar.isPresent()) {
      columnar
          .filter(ColumnarPlan::callsPython)
          .ifPresent(c -> planned.add(c.physical(this::planLater)));
    } else {
      RowHandover.of(plan)
          .flatMap(rows -> rows.physical(ColumnarPythonStrategy::stock))
          .ifPresent(planned::add);
    }
    return JavaConverters.asScalaBuffer(planned).toList();
  }

  /** Returns how the session's other strategies plan the root of a plan. */
  private static Optional<SparkPlan> stock(LogicalPlan plan) {
    return JavaConverters.seqAsJavaList(SparkSession.active().sessionState().planner().strategies())
        .stream()
        .filter(strategy -> !(strategy instanceof ColumnarPythonStrategy))
        .flatMap(strategy -> JavaConverters.seqAsJavaList(strategy.apply(plan)).stream())
        .findFirst();
  }
}
