package io.tensorarrow.spark.sql.tables;

import io.tensorarrow.spark.columnar.ScalaLists;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.execution.SparkPlan;
import org.apache.spark.sql.execution.SparkStrategy;
import scala.collection.Seq;

/**
 * Plans what {@link PlanQueryTables} left, and replaces reads in sessions that had no rules when
 * their query was optimised. Stateless; Spark calls it in the thread that plans.
 */
public final class QueryTableStrategy extends SparkStrategy {
  @Override
  public Seq<SparkPlan> apply(LogicalPlan plan) {
    if (plan instanceof QueryTableRead read) {
      return ScalaLists.of(planLater(read.child()));
    }
    return PlanQueryTables.readBelow(plan).isPresent()
        ? ScalaLists.of(planLater(PlanQueryTables.planned(plan, true)))
        : ScalaLists.of();
  }
}
