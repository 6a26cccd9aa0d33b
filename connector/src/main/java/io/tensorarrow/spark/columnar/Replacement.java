package io.tensorarrow.spark.columnar;

import java.util.function.Function;
import org.apache.spark.sql.catalyst.expressions.Expression;
import scala.Function1;
import scala.runtime.AbstractPartialFunction;

/**
 * Replaces the parts of one class in an expression.
 *
 * @param <T> the class
 */
public final class Replacement<T extends Expression>
    extends AbstractPartialFunction<Expression, Expression> {
  private final Class<T> type;
  private final Function<T, Expression> by;

  private Replacement(Class<T> type, Function<T, Expression> by) {
    this.type = type;
    this.by = by;
  }

  /** Returns the expression with each part of a class, from the top down, replaced. */
  public static <T extends Expression> Expression in(
      Expression expression, Class<T> type, Function<T, Expression> by) {
    return expression.transform(new Replacement<>(type, by));
  }

  @Override
  public boolean isDefinedAt(Expression e) {
    return type.isInstance(e);
  }

  // The partial function's result type is erased in Scala's signature.
  @SuppressWarnings("unchecked")
  @Override
  public <A1 extends Expression, B1> B1 applyOrElse(A1 e, Function1<A1, B1> otherwise) {
    return type.isInstance(e) ? (B1) by.apply(type.cast(e)) : otherwise.apply(e);
  }
}
