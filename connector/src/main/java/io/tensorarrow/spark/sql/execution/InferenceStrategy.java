package io.tensorarrow.spark.sql.execution;

import io.tensorarrow.spark.columnar.ScalaLists;
import io.tensorarrow.spark.sql.Inference;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.execution.SparkPlan;
import org.apache.spark.sql.execution.SparkStrategy;
import scala.collection.Seq;

/** Plans inference in queries. Stateless; Spark calls it in the thread that plans. */
public final class InferenceStrategy extends SparkStrategy {
  @Override
  public Seq<SparkPlan> apply(LogicalPlan plan) {
    return plan instanceof Inference inference
        ? ScalaLists.of(
            new InferenceExec(
                inference.call(),
                inference.resultSeq(),
                inference.conditionSeq(),
                inference.isAcrossFiles(),
                planLater(inference.child())))
        : ScalaLists.of();
  }
}
