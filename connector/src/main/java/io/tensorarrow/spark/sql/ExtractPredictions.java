package io.tensorarrow.spark.sql;

import static io.tensorarrow.spark.errors.TensorArrowException.cannot;

import io.tensorarrow.spark.columnar.ScalaLists;
import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.sql.ConditionalCalls.Found;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.apache.spark.sql.catalyst.expressions.Alias;
import org.apache.spark.sql.catalyst.expressions.And;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.Literal;
import org.apache.spark.sql.catalyst.expressions.NamedExpression;
import org.apache.spark.sql.catalyst.expressions.Not;
import org.apache.spark.sql.catalyst.expressions.aggregate.AggregateExpression;
import org.apache.spark.sql.catalyst.optimizer.CollapseProject$;
import org.apache.spark.sql.catalyst.optimizer.RemoveNoopOperators$;
import org.apache.spark.sql.catalyst.optimizer.SimplifyExtractValueOps$;
import org.apache.spark.sql.catalyst.plans.Cross$;
import org.apache.spark.sql.catalyst.plans.Inner$;
import org.apache.spark.sql.catalyst.plans.logical.Aggregate;
import org.apache.spark.sql.catalyst.plans.logical.Command;
import org.apache.spark.sql.catalyst.plans.logical.Filter;
import org.apache.spark.sql.catalyst.plans.logical.Join;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.MergeRows;
import org.apache.spark.sql.catalyst.plans.logical.Project;
import org.apache.spark.sql.catalyst.plans.logical.ReplaceData;
import org.apache.spark.sql.catalyst.plans.logical.WriteDelta;
import org.apache.spark.sql.catalyst.rules.Rule;
import scala.Option;
import scala.collection.JavaConverters;

/**
 * Moves calls of models out of a query's expressions into {@link Inference inferences}. Spark
 * applies it after all else that it optimises, so that filters have reached the sources.
 *
 * <p>Equal calls run once, also in a filter and the select list above it. Conditions without calls
 * are evaluated before the model, and rows that a branch is not taken for do not run. Columns and
 * outputs that nobody needs are left out, and limits come below the model.
 *
 * <p>Stateless; Spark calls it in the thread that plans.
 */
public final class ExtractPredictions extends Rule<LogicalPlan> {
  @Override
  public LogicalPlan apply(LogicalPlan plan) {
    if (!plan.exists(node -> Calls.areIn(node))) {
      return plan;
    }
    LogicalPlan extracted = new Extraction().extract(plan);
    // Structs of all outputs, of which fields are taken above, become the fields themselves.
    LogicalPlan simplified =
        CollapseProject$.MODULE$.apply(
            SimplifyExtractValueOps$.MODULE$.apply(CollapseProject$.MODULE$.apply(extracted)));
    LogicalPlan pruned = LimitPushdown.apply(UnusedOutputs.pruned(simplified));
    return RemoveNoopOperators$.MODULE$.apply(CollapseProject$.MODULE$.apply(pruned));
  }

  /** One pass over one plan. */
  private static final class Extraction {
    private final KnownResults known = new KnownResults();

    LogicalPlan extract(LogicalPlan plan) {
      List<LogicalPlan> children = Calls.children(plan).stream().map(this::extract).toList();
      LogicalPlan node = Calls.withChildren(plan, children);
      if (!Calls.areIn(node)) {
        return node;
      }
      if (node instanceof Filter filter) {
        return filtered(filter);
      }
      if (node instanceof Aggregate aggregate) {
        return aggregated(aggregate);
      }
      if (node instanceof Join join) {
        return joined(join);
      }
      if (node instanceof MergeRows merge) {
        return merged(merge);
      }
      if (node instanceof ReplaceData || node instanceof WriteDelta) {
        return rewritten(node);
      }
      if (node instanceof Command || children.size() != 1) {
        throw calls(node).findFirst().orElseThrow().notPlanned(node.nodeName());
      }
      return lifted(node, children.get(0));
    }

    /**
     * Leaves the condition of a row-level command to its query, which holds it, too. Spark has used
     * the command's own one to find the files.
     */
    private static LogicalPlan rewritten(LogicalPlan command) {
      return command.mapExpressions(e -> Calls.isIn(e) ? Literal.TrueLiteral() : e);
    }

    /** Computes the calls in the instructions of a merge, for the rows that each is about. */
    private LogicalPlan merged(MergeRows merge) {
      Expression source = merge.isSourceRowPresent();
      Expression target = merge.isTargetRowPresent();
      ConditionalCalls calls = new ConditionalCalls();
      calls.addFirstOf(new And(source, target), instructions(merge.matchedInstructions()));
      calls.addFirstOf(
          new And(source, new Not(target)), instructions(merge.notMatchedInstructions()));
      calls.addFirstOf(
          new And(target, new Not(source)), instructions(merge.notMatchedBySourceInstructions()));
      return lifted(merge, merge.child(), calls);
    }

    private static List<ConditionalCalls.Case> instructions(
        scala.collection.Seq<MergeRows.Instruction> instructions) {
      return JavaConverters.seqAsJavaList(instructions).stream()
          .map(
              instruction ->
                  new ConditionalCalls.Case(
                      instruction.condition(),
                      JavaConverters.seqAsJavaList(instruction.outputs()).stream()
                          .flatMap(row -> JavaConverters.seqAsJavaList(row).stream())
                          .toList()))
          .toList();
    }

    private static Stream<Predict> calls(LogicalPlan node) {
      ConditionalCalls calls = new ConditionalCalls();
      Calls.expressions(node).forEach(calls::add);
      return calls.found().stream().map(Found::call);
    }

    /** Computes all calls of a node below it. */
    private LogicalPlan lifted(LogicalPlan node, LogicalPlan child) {
      ConditionalCalls calls = new ConditionalCalls();
      Calls.expressions(node).forEach(calls::add);
      return lifted(node, child, calls);
    }

    private LogicalPlan lifted(LogicalPlan node, LogicalPlan child, ConditionalCalls calls) {
      CallLift lift = new CallLift(child, known);
      lift.lift(calls.found());
      LogicalPlan over = Calls.withChildren(node, List.of(lift.plan()));
      return withOutput(node.output(), over.mapExpressions(lift::replaceCalls));
    }

    private static LogicalPlan withOutput(
        scala.collection.Seq<Attribute> output, LogicalPlan plan) {
      return Calls.output(plan).stream()
              .map(Attribute::exprId)
              .toList()
              .equals(JavaConverters.seqAsJavaList(output).stream().map(Attribute::exprId).toList())
          ? plan
          : new Project(
              ScalaLists.of(List.<NamedExpression>copyOf(JavaConverters.seqAsJavaList(output))),
              plan);
    }

    /** Filters by what needs no model first, and then by one call after the other. */
    private LogicalPlan filtered(Filter filter) {
      List<Expression> conditions = Calls.conjuncts(filter.condition());
      boolean deterministic = conditions.stream().allMatch(Expression::deterministic);
      if (!deterministic) {
        return lifted(filter, filter.child());
      }
      LogicalPlan plan = filter.child();
      List<Expression> cheap = conditions.stream().filter(c -> !Calls.isIn(c)).toList();
      if (!cheap.isEmpty()) {
        plan = new Filter(Calls.conjunction(cheap), plan);
      }
      for (Expression condition : conditions) {
        if (Calls.isIn(condition)) {
          plan = lifted(new Filter(condition, plan), plan);
        }
      }
      return withOutput(filter.output(), plan);
    }

    /** Computes calls of aggregates over the groups, and calls inside of aggregates below. */
    private LogicalPlan aggregated(Aggregate aggregate) {
      List<NamedExpression> results =
          JavaConverters.seqAsJavaList(aggregate.aggregateExpressions());
      if (results.stream().noneMatch(r -> isOutsideOfAggregates((Expression) r))) {
        return lifted(aggregate, aggregate.child());
      }
      List<Expression> groupings = JavaConverters.seqAsJavaList(aggregate.groupingExpressions());
      Map<Expression, NamedExpression> below = new LinkedHashMap<>();
      List<NamedExpression> above = new ArrayList<>();
      for (NamedExpression result : results) {
        above.add((NamedExpression) overGroups((Expression) result, groupings, below));
      }
      LogicalPlan groups =
          new Aggregate(
              aggregate.groupingExpressions(),
              ScalaLists.of(List.copyOf(below.values())),
              aggregate.child());
      LogicalPlan extracted = Calls.areIn(groups) ? lifted(groups, aggregate.child()) : groups;
      return lifted(new Project(ScalaLists.of(above), extracted), extracted);
    }

    private static boolean isOutsideOfAggregates(Expression e) {
      return e instanceof Predict
          || (!(e instanceof AggregateExpression)
              && JavaConverters.seqAsJavaList(e.children()).stream()
                  .anyMatch(Extraction::isOutsideOfAggregates));
    }

    /**
     * Rewrites a result of an aggregate as one over the aggregates and groupings it consists of.
     */
    private static Expression overGroups(
        Expression result, List<Expression> groupings, Map<Expression, NamedExpression> below) {
      Expression over =
          Calls.replaced(
              result instanceof Alias alias ? alias.child() : result,
              e ->
                  e instanceof AggregateExpression
                          || groupings.stream().anyMatch(g -> g.semanticEquals(e))
                      ? below
                          .computeIfAbsent(
                              e.canonicalized(),
                              c ->
                                  e instanceof Attribute column
                                      ? column
                                      : Calls.alias(e, "aggregate"))
                          .toAttribute()
                      : e);
      return result instanceof Alias alias ? alias.withNewChildren(ScalaLists.of(over)) : over;
    }

    /**
     * Computes the calls of a join's condition on the side that they are about. Those about both
     * sides of an inner join become a filter above it.
     */
    private LogicalPlan joined(Join join) {
      boolean inner = join.joinType() == Inner$.MODULE$ || join.joinType() == Cross$.MODULE$;
      CallLift left = new CallLift(join.left(), known);
      CallLift right = new CallLift(join.right(), known);
      List<Expression> inJoin = new ArrayList<>();
      List<Expression> above = new ArrayList<>();
      for (Expression condition : Calls.conjuncts(join.condition().get())) {
        List<Found> calls = unconditional(condition);
        List<Found> ofLeft = calls.stream().filter(c -> isAbout(c.call(), join.left())).toList();
        List<Found> ofRight =
            calls.stream()
                .filter(c -> !ofLeft.contains(c) && isAbout(c.call(), join.right()))
                .toList();
        if (ofLeft.size() + ofRight.size() == calls.size()) {
          left.lift(ofLeft);
          right.lift(ofRight);
          inJoin.add(right.replaceCalls(left.replaceCalls(condition)));
        } else if (inner) {
          above.add(condition);
        } else {
          throw aboutBothSides(calls.get(0).call(), join);
        }
      }
      LogicalPlan joined =
          new Join(
              left.plan(),
              right.plan(),
              join.joinType(),
              inJoin.isEmpty() ? Option.empty() : Option.apply(Calls.conjunction(inJoin)),
              join.hint());
      LogicalPlan filtered =
          above.isEmpty() ? joined : filtered(new Filter(Calls.conjunction(above), joined));
      return withOutput(join.output(), filtered);
    }

    private static List<Found> unconditional(Expression condition) {
      ConditionalCalls calls = new ConditionalCalls();
      calls.add(condition);
      return calls.found().stream().map(f -> new Found(f.call(), Optional.empty())).toList();
    }

    private static boolean isAbout(Predict call, LogicalPlan side) {
      return call.references().subsetOf(side.outputSet());
    }

    private static RuntimeException aboutBothSides(Predict call, Join join) {
      return cannot(ErrorCode.TA_UNSUPPORTED, "run %s", call.sql())
          .found("a condition of a %s join with arguments from both sides", join.joinType().sql())
          .expected(
              "arguments from one side, or an inner join: compute the prediction over an inner join"
                  + " of both sides first, and join with its result");
    }
  }
}
