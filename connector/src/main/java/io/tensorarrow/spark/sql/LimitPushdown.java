package io.tensorarrow.spark.sql;

import java.util.List;
import java.util.Optional;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.plans.logical.LocalLimit;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.Project;

/**
 * Limits the rows of each partition below inferences, too: a model runs whole batches, which a
 * limit above would throw away.
 */
final class LimitPushdown {
  private LimitPushdown() {}

  static LogicalPlan apply(LogicalPlan plan) {
    List<LogicalPlan> children = Calls.children(plan).stream().map(LimitPushdown::apply).toList();
    LogicalPlan node = Calls.withChildren(plan, children);
    return node instanceof LocalLimit limit
        ? limited(limit.child(), limit.limitExpr())
            .<LogicalPlan>map(child -> new LocalLimit(limit.limitExpr(), child))
            .orElse(node)
        : node;
  }

  /** Returns a plan with a limit below the lowest inference; empty if it has none to come below. */
  private static Optional<LogicalPlan> limited(LogicalPlan plan, Expression rows) {
    if (plan instanceof Inference inference) {
      LogicalPlan child =
          limited(inference.child(), rows)
              .orElseGet(
                  () ->
                      inference.child() instanceof LocalLimit limit
                              && limit.limitExpr().semanticEquals(rows)
                          ? inference.child()
                          : new LocalLimit(rows, inference.child()));
      return Optional.of(Calls.withChildren(plan, List.of(child)));
    }
    return plan instanceof Project project && project.deterministic()
        ? limited(project.child(), rows).map(child -> Calls.withChildren(plan, List.of(child)))
        : Optional.empty();
  }
}
