package io.tensorarrow.spark.sql.functions;

import io.tensorarrow.spark.columnar.ScalaLists;
import java.io.Serializable;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.InheritAnalysisRules;
import org.apache.spark.sql.catalyst.expressions.RuntimeReplaceable;
import org.apache.spark.sql.catalyst.expressions.codegen.CodegenContext;
import org.apache.spark.sql.catalyst.expressions.codegen.ExprCode;
import org.apache.spark.sql.catalyst.trees.TreePattern$;
import org.apache.spark.sql.types.DataType;
import org.jspecify.annotations.Nullable;
import scala.Enumeration;
import scala.collection.IndexedSeq;
import scala.collection.Iterator;
import scala.collection.Seq;

/**
 * A call of a function over a tensor column, under its own name in columns and plans. Spark
 * replaces it by the expression that computes it, before it optimises. Immutable.
 */
public final class TensorCall extends Expression
    implements RuntimeReplaceable, InheritAnalysisRules, Serializable {
  private static final long serialVersionUID = 1;

  private final String function;
  private final Seq<Expression> parameters;
  private final Expression replacement;

  /**
   * Creates a call; Spark calls this, too, by reflection.
   *
   * @param function the SQL function
   * @param parameters what it was called with
   * @param replacement computes its value
   */
  TensorCall(String function, Seq<Expression> parameters, Expression replacement) {
    this.function = function;
    this.parameters = parameters;
    this.replacement = replacement;
  }

  @Override
  public Expression replacement() {
    return replacement;
  }

  @Override
  public Seq<Expression> parameters() {
    return parameters;
  }

  @Override
  public Expression child() {
    return replacement;
  }

  @Override
  public Seq<Expression> children() {
    return InheritAnalysisRules.super.children();
  }

  @Override
  public Expression withNewChildInternal(Expression child) {
    return new TensorCall(function, parameters, child);
  }

  @Override
  public Expression withNewChildrenInternal(IndexedSeq<Expression> children) {
    return withNewChildInternal(children.head());
  }

  @Override
  public Expression mapChildren(scala.Function1<Expression, Expression> by) {
    return InheritAnalysisRules.super.mapChildren(by);
  }

  @Override
  public Seq<Enumeration.Value> nodePatterns() {
    return ScalaLists.of(TreePattern$.MODULE$.RUNTIME_REPLACEABLE());
  }

  /** Scala's way to set the patterns; they are constant here. */
  @Override
  public void
      org$apache$spark$sql$catalyst$expressions$RuntimeReplaceable$_setter_$nodePatterns_$eq(
          Seq<Enumeration.Value> patterns) {}

  @Override
  public Expression canonicalized() {
    return replacement.canonicalized();
  }

  @Override
  public boolean nullable() {
    return replacement.nullable();
  }

  @Override
  public DataType dataType() {
    return replacement.dataType();
  }

  @Override
  public Object eval(@Nullable InternalRow row) {
    return RuntimeReplaceable.super.eval(row);
  }

  @Override
  public ExprCode doGenCode(CodegenContext context, ExprCode code) {
    return RuntimeReplaceable.super.doGenCode(context, code);
  }

  @Override
  public String prettyName() {
    return function;
  }

  @Override
  public String sql() {
    return InheritAnalysisRules.super.sql();
  }

  @Override
  public Iterator<Object> flatArguments() {
    return InheritAnalysisRules.super.flatArguments();
  }

  @Override
  public int productArity() {
    return 3;
  }

  @Override
  public Object productElement(int n) {
    return n == 0 ? function : n == 1 ? parameters : replacement;
  }

  @Override
  public boolean canEqual(Object other) {
    return other instanceof TensorCall;
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof TensorCall that
        && function.equals(that.function)
        && parameters.equals(that.parameters)
        && replacement.equals(that.replacement);
  }

  @Override
  public int hashCode() {
    return 31 * function.hashCode() + replacement.hashCode();
  }
}
