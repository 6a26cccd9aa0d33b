package io.tensorarrow.spark.sql;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.spark.sql.catalyst.expressions.Alias;
import org.apache.spark.sql.catalyst.expressions.And;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.ExprId;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.NamedExpression;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.types.Metadata;
import scala.Option;
import scala.collection.JavaConverters;
import scala.collection.immutable.Nil$;

/** Helpers over expressions and plans with calls of models. */
public final class Calls {
  private Calls() {}

  /** Returns whether an expression calls a model. */
  static boolean isIn(Expression expression) {
    return expression.find(e -> e instanceof Predict).isDefined();
  }

  /** Returns whether one of a node's own expressions calls a model. */
  static boolean areIn(LogicalPlan node) {
    return !(node instanceof Inference) && expressions(node).stream().anyMatch(Calls::isIn);
  }

  public static List<Expression> expressions(LogicalPlan node) {
    return JavaConverters.seqAsJavaList(node.expressions());
  }

  public static List<LogicalPlan> children(LogicalPlan node) {
    return JavaConverters.seqAsJavaList(node.children());
  }

  public static List<Attribute> output(LogicalPlan plan) {
    return JavaConverters.seqAsJavaList(plan.output());
  }

  public static LogicalPlan withChildren(LogicalPlan node, List<LogicalPlan> children) {
    return node.withNewChildren(JavaConverters.asScalaBuffer(children).toIndexedSeq());
  }

  /** Returns whether a plan has all of some columns. */
  static boolean has(LogicalPlan plan, List<Attribute> columns) {
    java.util.Set<ExprId> ids =
        output(plan).stream().map(Attribute::exprId).collect(Collectors.toSet());
    return columns.stream().allMatch(column -> ids.contains(column.exprId()));
  }

  public static Alias alias(Expression expression, String name) {
    return new Alias(
        expression,
        name,
        NamedExpression.newExprId(),
        emptyList(),
        Option.<Metadata>empty(),
        emptyList());
  }

  /** Returns the conditions that a conjunction consists of, in order. */
  static List<Expression> conjuncts(Expression condition) {
    return condition instanceof And and
        ? Stream.of(and.left(), and.right()).flatMap(c -> conjuncts(c).stream()).toList()
        : List.of(condition);
  }

  static Expression conjunction(List<Expression> conditions) {
    return conditions.stream().reduce(And::new).orElseThrow();
  }

  /** Replaces the topmost expressions for which a function returns another one. */
  public static Expression replaced(Expression expression, Function<Expression, Expression> by) {
    Expression other = by.apply(expression);
    if (other != expression) {
      return other;
    }
    List<Expression> children = JavaConverters.seqAsJavaList(expression.children());
    List<Expression> others = new ArrayList<>();
    children.forEach(child -> others.add(replaced(child, by)));
    boolean same = true;
    for (int i = 0; i < children.size(); i++) {
      same &= children.get(i) == others.get(i);
    }
    return same
        ? expression
        : expression.withNewChildren(JavaConverters.asScalaBuffer(others).toIndexedSeq());
  }

  /** Returns an empty list, as Spark takes it. */
  @SuppressWarnings("unchecked")
  public static <T> scala.collection.immutable.List<T> emptyList() {
    return (scala.collection.immutable.List<T>) (Object) Nil$.MODULE$;
  }
}
