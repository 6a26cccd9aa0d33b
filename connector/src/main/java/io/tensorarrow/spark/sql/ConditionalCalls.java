package io.tensorarrow.spark.sql;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.spark.sql.catalyst.expressions.And;
import org.apache.spark.sql.catalyst.expressions.CaseWhen;
import org.apache.spark.sql.catalyst.expressions.Coalesce;
import org.apache.spark.sql.catalyst.expressions.EqualNullSafe;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.If;
import org.apache.spark.sql.catalyst.expressions.IsNull;
import org.apache.spark.sql.catalyst.expressions.Literal;
import org.apache.spark.sql.catalyst.expressions.Not;
import org.apache.spark.sql.catalyst.expressions.Or;
import scala.Tuple2;
import scala.collection.JavaConverters;

/**
 * The calls in some expressions, and for which rows Spark would evaluate each: those in a branch of
 * {@code CASE}, {@code IF}, {@code AND}, {@code OR} or {@code coalesce} only where the branch is
 * taken. Not thread-safe.
 */
final class ConditionalCalls {
  /** By canonical form, in the order found: inner calls before those that they are arguments of. */
  private final Map<Expression, Found> calls = new LinkedHashMap<>();

  /**
   * A call, and when it is needed.
   *
   * @param condition empty for all rows; never null in SQL's sense
   */
  record Found(Predict call, Optional<Expression> condition) {}

  /** Adds the calls of an expression that is evaluated for all rows. */
  void add(Expression expression) {
    visit(expression, Optional.empty());
  }

  /**
   * Some expressions, and for which rows they are evaluated.
   *
   * @param condition true for these rows
   */
  record Case(Expression condition, List<Expression> values) {
    Case {
      values = List.copyOf(values);
    }
  }

  /**
   * Adds the calls of cases, of which each row takes the first that is true of it.
   *
   * @param rows true for the rows that the cases are about
   */
  void addFirstOf(Expression rows, List<Case> cases) {
    Optional<Expression> reached = Optional.of(rows);
    for (Case each : cases) {
      visit(each.condition(), reached);
      Optional<Expression> taken = and(reached, isTrue(each.condition()));
      each.values().forEach(value -> visit(value, taken));
      reached = and(reached, new Not(isTrue(each.condition())));
    }
  }

  /** Returns the calls that are in none of the others' arguments or conditions that remain. */
  List<Found> found() {
    return List.copyOf(calls.values());
  }

  private void visit(Expression e, Optional<Expression> condition) {
    if (e instanceof If branch) {
      visit(branch.predicate(), condition);
      visit(branch.trueValue(), and(condition, isTrue(branch.predicate())));
      visit(branch.falseValue(), and(condition, new Not(isTrue(branch.predicate()))));
    } else if (e instanceof CaseWhen cases) {
      Optional<Expression> reached = condition;
      for (Tuple2<Expression, Expression> branch : JavaConverters.seqAsJavaList(cases.branches())) {
        visit(branch._1(), reached);
        visit(branch._2(), and(reached, isTrue(branch._1())));
        reached = and(reached, new Not(isTrue(branch._1())));
      }
      if (cases.elseValue().isDefined()) {
        visit(cases.elseValue().get(), reached);
      }
    } else if (e instanceof And both) {
      visit(both.left(), condition);
      visit(both.right(), and(condition, new Not(isFalse(both.left()))));
    } else if (e instanceof Or either) {
      visit(either.left(), condition);
      visit(either.right(), and(condition, new Not(isTrue(either.left()))));
    } else if (e instanceof Coalesce values) {
      Optional<Expression> reached = condition;
      for (Expression value : JavaConverters.seqAsJavaList(values.children())) {
        visit(value, reached);
        reached = and(reached, new IsNull(value));
      }
    } else {
      JavaConverters.seqAsJavaList(e.children()).forEach(child -> visit(child, condition));
      if (e instanceof Predict call) {
        calls.merge(call.canonicalized(), new Found(call, condition), ConditionalCalls::either);
      }
    }
  }

  private static Found either(Found first, Found second) {
    Predict call = first.call();
    // Where a condition is about the call itself, an earlier place has evaluated it already.
    boolean isKnown =
        second.condition().map(b -> b.find(call::semanticEquals).isDefined()).orElse(false);
    return isKnown
        ? first
        : new Found(
            call, first.condition().flatMap(a -> second.condition().map(b -> either(a, b))));
  }

  /** Leaves out a condition that is stricter than the other. */
  private static Expression either(Expression a, Expression b) {
    return implies(b, a) ? a : implies(a, b) ? b : new Or(a, b);
  }

  private static boolean implies(Expression strict, Expression loose) {
    List<Expression> parts = Calls.conjuncts(strict);
    return Calls.conjuncts(loose).stream()
        .allMatch(part -> parts.stream().anyMatch(part::semanticEquals));
  }

  /** Returns a looser condition that needs no call; empty if nothing is left of it. */
  static Optional<Expression> withoutCalls(Expression condition) {
    if (!Calls.isIn(condition)) {
      return Optional.of(condition);
    }
    if (condition instanceof And both) {
      Optional<Expression> left = withoutCalls(both.left());
      Optional<Expression> right = withoutCalls(both.right());
      return left.isPresent() && right.isPresent() ? and(left, right.get()) : left.or(() -> right);
    }
    return condition instanceof Or either
        ? withoutCalls(either.left())
            .flatMap(l -> withoutCalls(either.right()).map(r -> new Or(l, r)))
        : Optional.empty();
  }

  private static Optional<Expression> and(Optional<Expression> condition, Expression further) {
    return Optional.of(condition.<Expression>map(c -> new And(c, further)).orElse(further));
  }

  private static Expression isTrue(Expression e) {
    return e.nullable() ? new EqualNullSafe(e, Literal.TrueLiteral()) : e;
  }

  private static Expression isFalse(Expression e) {
    return e.nullable() ? new EqualNullSafe(e, Literal.FalseLiteral()) : new Not(e);
  }
}
