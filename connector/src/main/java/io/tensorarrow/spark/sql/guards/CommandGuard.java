package io.tensorarrow.spark.sql.guards;

import java.util.List;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.execution.SparkPlan;
import org.apache.spark.sql.execution.SparkStrategy;
import scala.collection.JavaConverters;
import scala.collection.Seq;

/**
 * A planner strategy that plans nothing, but refuses commands. A command is planned before it runs,
 * so nothing has happened yet.
 */
abstract class CommandGuard extends SparkStrategy {
  @Override
  public final Seq<SparkPlan> apply(LogicalPlan plan) {
    check(plan);
    return JavaConverters.asScalaBuffer(List.<SparkPlan>of()).toList();
  }

  /**
   * Looks at a plan, in the thread that plans it.
   *
   * @throws io.tensorarrow.spark.errors.TensorArrowException if it is a command to refuse
   */
  abstract void check(LogicalPlan plan);
}
