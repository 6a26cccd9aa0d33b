package io.tensorarrow.spark.sql;

import io.tensorarrow.spark.columnar.ScalaLists;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.NamedExpression;
import org.apache.spark.sql.catalyst.plans.Cross$;
import org.apache.spark.sql.catalyst.plans.Inner$;
import org.apache.spark.sql.catalyst.plans.JoinType;
import org.apache.spark.sql.catalyst.plans.LeftAnti$;
import org.apache.spark.sql.catalyst.plans.LeftOuter$;
import org.apache.spark.sql.catalyst.plans.LeftSemi$;
import org.apache.spark.sql.catalyst.plans.RightOuter$;
import org.apache.spark.sql.catalyst.plans.logical.Filter;
import org.apache.spark.sql.catalyst.plans.logical.GlobalLimit;
import org.apache.spark.sql.catalyst.plans.logical.Join;
import org.apache.spark.sql.catalyst.plans.logical.LocalLimit;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.Project;
import org.apache.spark.sql.catalyst.plans.logical.RepartitionByExpression;
import org.apache.spark.sql.catalyst.plans.logical.Sort;
import scala.collection.JavaConverters;

/**
 * What inferences of a query have computed, so that a call above them, such as one in the select
 * list above a filter with the same call, is not computed again. For one plan and one thread.
 */
final class KnownResults {
  private final Map<Expression, List<List<Attribute>>> byCall = new HashMap<>();

  /**
   * A plan that has the results of a call.
   *
   * @param plan has all columns that it had, and the results
   */
  record Reuse(LogicalPlan plan, List<Attribute> results) {}

  /** Adds the results of a call that are computed for all rows. */
  void add(Predict call, List<Attribute> results) {
    if (call.deterministic()) {
      byCall.computeIfAbsent(call.canonicalized(), c -> new ArrayList<>()).add(results);
    }
  }

  /** Finds a call's results below a plan, where they can come up through the nodes between. */
  Optional<Reuse> find(Predict call, LogicalPlan plan) {
    for (List<Attribute> results : byCall.getOrDefault(call.canonicalized(), List.of())) {
      Optional<LogicalPlan> revealed = revealed(plan, results);
      if (revealed.isPresent()) {
        return Optional.of(new Reuse(revealed.get(), results));
      }
    }
    return Optional.empty();
  }

  private static Optional<LogicalPlan> revealed(LogicalPlan plan, List<Attribute> columns) {
    if (Calls.has(plan, columns)) {
      return Optional.of(plan);
    }
    if (plan instanceof Project project) {
      return revealed(project.child(), columns)
          .map(child -> new Project(with(project, columns), child));
    }
    if (plan instanceof Join join) {
      return revealed(join, columns);
    }
    boolean keepsRows =
        plan instanceof Filter
            || plan instanceof Sort
            || plan instanceof LocalLimit
            || plan instanceof GlobalLimit
            || plan instanceof RepartitionByExpression
            || plan instanceof Inference;
    return keepsRows
        ? revealed(Calls.children(plan).get(0), columns)
            .map(child -> Calls.withChildren(plan, List.of(child)))
        : Optional.empty();
  }

  /** Lets columns through from the sides of a join whose rows it does not fill up with nulls. */
  private static Optional<LogicalPlan> revealed(Join join, List<Attribute> columns) {
    JoinType type = join.joinType();
    boolean inner = type == Inner$.MODULE$ || type == Cross$.MODULE$;
    Optional<LogicalPlan> left =
        inner
                || type == LeftOuter$.MODULE$
                || type == LeftSemi$.MODULE$
                || type == LeftAnti$.MODULE$
            ? revealed(join.left(), columns)
            : Optional.empty();
    if (left.isPresent()) {
      return left.map(child -> Calls.withChildren(join, List.of(child, join.right())));
    }
    return inner || type == RightOuter$.MODULE$
        ? revealed(join.right(), columns)
            .map(child -> Calls.withChildren(join, List.of(join.left(), child)))
        : Optional.empty();
  }

  private static scala.collection.Seq<NamedExpression> with(
      Project project, List<Attribute> columns) {
    List<NamedExpression> list =
        new ArrayList<>(JavaConverters.seqAsJavaList(project.projectList()));
    columns.stream().filter(column -> !Calls.has(project, List.of(column))).forEach(list::add);
    return ScalaLists.of(list);
  }
}
