package io.tensorarrow.spark.sql;

import io.tensorarrow.spark.columnar.ScalaLists;
import io.tensorarrow.spark.sql.ConditionalCalls.Found;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.spark.sql.catalyst.expressions.Alias;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.AttributeReference;
import org.apache.spark.sql.catalyst.expressions.CreateNamedStruct;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.GetStructField;
import org.apache.spark.sql.catalyst.expressions.If;
import org.apache.spark.sql.catalyst.expressions.Literal;
import org.apache.spark.sql.catalyst.expressions.Literal$;
import org.apache.spark.sql.catalyst.expressions.NamedExpression;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.Project;
import org.apache.spark.sql.types.StructField;

/**
 * Puts {@link Inference inferences} over a plan for the calls in some expressions, and replaces the
 * calls by what these compute. Expressions that the calls need are computed by projections below
 * them. For one use, by one thread.
 */
final class CallLift {
  private final KnownResults known;
  private LogicalPlan plan;

  /** The results of the calls that the plan computes, by the calls' canonical form. */
  private final Map<Expression, List<Attribute>> results = new HashMap<>();

  /**
   * @param plan the plan of the rows that the calls are for
   * @param known the results that other nodes of the query have computed already
   */
  CallLift(LogicalPlan plan, KnownResults known) {
    this.plan = plan;
    this.known = known;
  }

  /** Returns the plan with the inferences over it; has the columns of the first one, and more. */
  LogicalPlan plan() {
    return plan;
  }

  /**
   * Computes calls.
   *
   * @param calls all that the expressions hold, inner ones first
   */
  void lift(List<Found> calls) {
    List<Found> waiting = new ArrayList<>();
    for (Found found : calls) {
      if (!reuse(found.call())) {
        waiting.add(found);
      }
    }
    while (!waiting.isEmpty()) {
      List<Found> ready = waiting.stream().filter(this::isReady).toList();
      if (ready.isEmpty()) {
        // Each depends on the results of the others: (a AND b) in one place, (b AND a) in another.
        waiting.replaceAll(
            found ->
                new Found(found.call(), found.condition().flatMap(ConditionalCalls::withoutCalls)));
      }
      waiting.removeAll(ready);
      infer(ready);
    }
  }

  private boolean reuse(Predict call) {
    Optional<KnownResults.Reuse> reuse = known.find(call, plan);
    reuse.ifPresent(
        r -> {
          plan = r.plan();
          results.put(call.canonicalized(), r.results());
        });
    return reuse.isPresent();
  }

  /** Whether all calls inside of a call, and of its condition, have results. */
  private boolean isReady(Found found) {
    return found.call().arguments().stream().allMatch(this::hasResults)
        && found.condition().map(this::hasResults).orElse(true);
  }

  private boolean hasResults(Expression expression) {
    return !Calls.isIn(replaceCalls(expression));
  }

  /** Computes some calls over the plan: one projection, and the inferences over it. */
  private void infer(List<Found> calls) {
    if (calls.isEmpty()) {
      return;
    }
    Map<Expression, Alias> computed = new LinkedHashMap<>();
    List<Inferred> inferred = new ArrayList<>();
    for (Found found : calls) {
      Optional<Expression> condition =
          found.condition().map(this::replaceCalls).filter(Expression::deterministic);
      List<Expression> arguments = new ArrayList<>();
      for (int i = 0; i < found.call().arguments().size(); i++) {
        Expression argument = replaceCalls(found.call().arguments().get(i));
        String name = found.call().target().arguments().get(i);
        // Spark evaluates an argument for no row that its branch is not taken for: it may fail.
        Expression guarded =
            condition.isPresent() && !(argument instanceof Attribute)
                ? new If(condition.get(), argument, Literal.create(null, argument.dataType()))
                : argument;
        arguments.add(column(guarded, name, computed));
      }
      inferred.add(
          new Inferred(
              found.call(),
              new Predict(found.call().target(), ScalaLists.of(arguments)),
              condition.map(c -> column(c, "condition", computed))));
    }
    if (!computed.isEmpty()) {
      List<NamedExpression> columns = new ArrayList<>(Calls.output(plan));
      columns.addAll(computed.values());
      plan = new Project(ScalaLists.of(columns), plan);
    }
    inferred.forEach(this::infer);
  }

  private record Inferred(Predict original, Predict call, Optional<Expression> condition) {}

  private void infer(Inferred inferred) {
    List<Attribute> attributes =
        Arrays.stream(inferred.call().target().outputs().fields())
            .map(field -> attribute(field, inferred.condition().isPresent()))
            .toList();
    plan =
        new Inference(
            inferred.call(),
            ScalaLists.of(attributes),
            inferred
                .condition()
                .<scala.collection.Seq<Expression>>map(ScalaLists::of)
                .orElse(Calls.emptyList()),
            false,
            plan);
    results.put(inferred.original().canonicalized(), attributes);
    if (inferred.condition().isEmpty()) {
      known.add(inferred.original(), attributes);
    }
  }

  private static Attribute attribute(StructField field, boolean nullable) {
    return new AttributeReference(
        field.name(),
        field.dataType(),
        field.nullable() || nullable,
        field.metadata(),
        NamedExpression.newExprId(),
        Calls.emptyList());
  }

  private static Expression column(
      Expression expression, String name, Map<Expression, Alias> computed) {
    return expression instanceof Attribute
        ? expression
        : computed
            .computeIfAbsent(expression.canonicalized(), e -> Calls.alias(expression, name))
            .toAttribute();
  }

  /** Replaces the calls that have results; a field of a call becomes its column. */
  Expression replaceCalls(Expression expression) {
    return Calls.replaced(
        expression,
        e -> {
          if (e instanceof GetStructField field
              && field.child() instanceof Predict call
              && results.containsKey(call.canonicalized())) {
            return results.get(call.canonicalized()).get(field.ordinal());
          }
          return e instanceof Predict call && results.containsKey(call.canonicalized())
              ? struct(results.get(call.canonicalized()))
              : e;
        });
  }

  private static Expression struct(List<Attribute> fields) {
    List<Expression> namesAndValues = new ArrayList<>();
    for (Attribute field : fields) {
      namesAndValues.add(Literal$.MODULE$.apply(field.name()));
      namesAndValues.add(field);
    }
    return new CreateNamedStruct(ScalaLists.of(namesAndValues));
  }
}
