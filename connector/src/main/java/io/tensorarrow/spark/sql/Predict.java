package io.tensorarrow.spark.sql;

import static io.tensorarrow.spark.errors.TensorArrowException.cannot;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import java.io.Serializable;
import java.util.List;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.Unevaluable;
import org.apache.spark.sql.catalyst.expressions.codegen.CodegenContext;
import org.apache.spark.sql.catalyst.expressions.codegen.ExprCode;
import org.apache.spark.sql.types.DataType;
import org.jspecify.annotations.Nullable;
import scala.collection.IndexedSeq;
import scala.collection.JavaConverters;
import scala.collection.Seq;

/**
 * A call of a model in a query: a struct of the model's outputs. It is never evaluated row by row:
 * {@link ExtractPredictions} moves it into an {@link Inference} below the operator that it is in.
 * Immutable.
 */
public final class Predict extends Expression implements Unevaluable, Serializable {
  private static final long serialVersionUID = 1;

  private final PredictTarget target;
  private final Seq<Expression> arguments;

  /**
   * Creates a call; Spark calls this, too, by reflection.
   *
   * @param target what to run
   * @param arguments one value for each name of the target's arguments
   */
  public Predict(PredictTarget target, Seq<Expression> arguments) {
    this.target = target;
    this.arguments = arguments;
  }

  /** Returns what is run. */
  public PredictTarget target() {
    return target;
  }

  /** Returns one value for each name of the target's arguments. */
  public List<Expression> arguments() {
    return JavaConverters.seqAsJavaList(arguments);
  }

  @Override
  public Seq<Expression> children() {
    return arguments;
  }

  @Override
  public Expression withNewChildrenInternal(IndexedSeq<Expression> children) {
    return new Predict(target, children.toList());
  }

  @Override
  public DataType dataType() {
    return target.outputs();
  }

  @Override
  public boolean nullable() {
    return false;
  }

  @Override
  public boolean foldable() {
    return false;
  }

  /** Returns false for a model that draws random numbers: Spark must not compute it again. */
  @Override
  public boolean deterministic() {
    return !target.random() && arguments().stream().allMatch(Expression::deterministic);
  }

  /** Refused: Spark would run the model on the driver. */
  @Override
  public Object eval(@Nullable InternalRow row) {
    throw cannot(ErrorCode.TA_UNSUPPORTED, "run %s on the driver", sql())
        .found("a filter of partition columns alone, by which Spark finds the files of a table")
        .expected(
            "an argument that is a column of the files; or, for a path, the format in"
                + " spark.sql.sources.useV1SourceList, as it is by default");
  }

  @Override
  public ExprCode doGenCode(CodegenContext context, ExprCode code) {
    throw notPlanned("an expression that Spark evaluates row by row");
  }

  /** Returns the error of a call that no operator can run. */
  TensorArrowException notPlanned(String place) {
    return cannot(ErrorCode.TA_UNSUPPORTED, "run %s", sql())
        .found("%s", place)
        .expected(
            "a query that has the prediction as a column, and the command or condition over it:"
                + " MERGE INTO ... USING (SELECT *, %s(...) AS p FROM ...), or ... WHERE id IN"
                + " (SELECT id FROM ... WHERE %s(...) > 0.5)",
            target.function(), target.function());
  }

  @Override
  public String prettyName() {
    return target.function();
  }

  @Override
  public String sql() {
    return "%s('%s'%s)"
        .formatted(
            target.function(),
            target.model(),
            arguments().stream().map(argument -> ", " + argument.sql()).reduce("", String::concat));
  }

  @Override
  public String toString() {
    return "%s('%s'%s)"
        .formatted(
            target.function(),
            target.model(),
            arguments().stream().map(argument -> ", " + argument).reduce("", String::concat));
  }

  @Override
  public int productArity() {
    return 2;
  }

  @Override
  public Object productElement(int n) {
    return n == 0 ? target : arguments;
  }

  @Override
  public boolean canEqual(Object other) {
    return other instanceof Predict;
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof Predict that
        && target.equals(that.target)
        && arguments.equals(that.arguments);
  }

  @Override
  public int hashCode() {
    return 31 * target.hashCode() + arguments.hashCode();
  }
}
