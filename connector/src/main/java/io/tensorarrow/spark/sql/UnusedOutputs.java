package io.tensorarrow.spark.sql;

import io.tensorarrow.spark.columnar.ScalaLists;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.ExprId;
import org.apache.spark.sql.catalyst.expressions.NamedExpression;
import org.apache.spark.sql.catalyst.plans.logical.Filter;
import org.apache.spark.sql.catalyst.plans.logical.GlobalLimit;
import org.apache.spark.sql.catalyst.plans.logical.LocalLimit;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.Project;
import org.apache.spark.sql.catalyst.plans.logical.Sort;
import scala.collection.JavaConverters;

/**
 * Leaves out of inferences what nobody above needs: outputs, whole models, and columns of the plans
 * below. Spark has pruned columns before the inferences were there.
 */
final class UnusedOutputs {
  private UnusedOutputs() {}

  /** Returns the plan with the same columns, without what they do not need. */
  static LogicalPlan pruned(LogicalPlan plan) {
    return pruned(plan, Optional.empty());
  }

  /**
   * @param needed the columns of the plan that are needed; empty for all
   */
  private static LogicalPlan pruned(LogicalPlan plan, Optional<Set<ExprId>> needed) {
    if (plan instanceof Inference inference) {
      return pruned(inference, needed);
    }
    if (plan instanceof Project project) {
      return withChild(plan, project.child(), Optional.of(ids(project.references().toSeq())));
    }
    if (plan instanceof Filter
        || plan instanceof Sort
        || plan instanceof LocalLimit
        || plan instanceof GlobalLimit) {
      return withChild(plan, Calls.children(plan).get(0), withReferences(needed, plan));
    }
    List<LogicalPlan> children =
        Calls.children(plan).stream().map(child -> pruned(child, Optional.empty())).toList();
    return Calls.withChildren(plan, children);
  }

  private static LogicalPlan pruned(Inference inference, Optional<Set<ExprId>> needed) {
    if (needed.isEmpty()) {
      return withChild(inference, inference.child(), Optional.empty());
    }
    List<Integer> used =
        IntStream.range(0, inference.results().size())
            .filter(i -> needed.get().contains(inference.results().get(i).exprId()))
            .boxed()
            .toList();
    if (used.isEmpty()) {
      return pruned(inference.child(), needed);
    }
    Inference pruned =
        used.size() == inference.results().size() ? inference : inference.computingOnly(used);
    Optional<Set<ExprId>> neededBelow = withReferences(needed, pruned);
    return withChild(pruned, chosen(inference.child(), neededBelow.orElseThrow()), neededBelow);
  }

  /** Puts a projection over a plan that has more columns than needed. */
  private static LogicalPlan chosen(LogicalPlan plan, Set<ExprId> needed) {
    List<Attribute> output = Calls.output(plan);
    List<NamedExpression> chosen =
        output.stream()
            .filter(column -> needed.contains(column.exprId()))
            .<NamedExpression>map(column -> column)
            .toList();
    // The outputs of another inference are left out by itself.
    return chosen.size() == output.size() || plan instanceof Inference
        ? plan
        : plan instanceof Project project
            ? new Project(
                ScalaLists.of(
                    JavaConverters.seqAsJavaList(project.projectList()).stream()
                        .filter(column -> needed.contains(column.exprId()))
                        .toList()),
                project.child())
            : new Project(ScalaLists.of(chosen), plan);
  }

  private static LogicalPlan withChild(
      LogicalPlan plan, LogicalPlan child, Optional<Set<ExprId>> needed) {
    return Calls.withChildren(plan, List.of(pruned(child, needed)));
  }

  private static Optional<Set<ExprId>> withReferences(
      Optional<Set<ExprId>> needed, LogicalPlan plan) {
    return needed.map(
        columns -> {
          Set<ExprId> all = new HashSet<>(columns);
          all.addAll(ids(plan.references().toSeq()));
          return all;
        });
  }

  private static Set<ExprId> ids(scala.collection.Seq<Attribute> columns) {
    Set<ExprId> ids = new HashSet<>();
    JavaConverters.seqAsJavaList(columns).forEach(column -> ids.add(column.exprId()));
    return ids;
  }
}
