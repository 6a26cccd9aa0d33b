package io.tensorarrow.spark.columnar;

import io.tensorarrow.spark.tensor.vector.RowSelection;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.BasePredicate;
import org.apache.spark.sql.catalyst.expressions.BoundReference;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.LeafExpression;
import org.apache.spark.sql.catalyst.expressions.Predicate;
import org.apache.spark.sql.catalyst.expressions.SubqueryExpression;
import org.apache.spark.sql.catalyst.expressions.Unevaluable;
import org.apache.spark.sql.catalyst.expressions.UnsafeProjection;
import org.apache.spark.sql.catalyst.expressions.codegen.CodegenFallback;
import org.apache.spark.sql.vectorized.ColumnarBatch;
import scala.collection.JavaConverters;

/**
 * Evaluates filters over the rows of batches: those that a source does not guarantee, and those
 * between a scan and a Python function.
 *
 * <p>Expressions that Spark does not compile, such as functions with lambdas, read null elements
 * wrongly from arrays of vectors. Spark never runs them over vectors, and here they get the columns
 * that they refer to as copied rows.
 *
 * <p>Not thread-safe.
 */
public final class RowFilter {
  private final BasePredicate predicate;
  private final UnaryOperator<InternalRow> row;

  /**
   * Compiles a filter.
   *
   * @param filter the condition, bound to the columns of the batches to come
   * @param partition the number of the task's partition
   */
  public RowFilter(Expression filter, int partition) {
    if (filter.find(RowFilter::needsRows).isEmpty()) {
      this.predicate = Predicate.create(filter);
      this.row = UnaryOperator.identity();
    } else {
      List<Expression> columns = new ArrayList<>();
      this.predicate =
          Predicate.create(Replacement.in(filter, BoundReference.class, c -> ofCopy(c, columns)));
      UnsafeProjection copy =
          UnsafeProjection.create(JavaConverters.asScalaBuffer(columns).toSeq());
      this.row = copy::apply;
    }
    predicate.initialize(partition);
  }

  /**
   * Returns whether a filter can be evaluated here: it gives the same for a row whenever it is
   * asked, and needs neither another query nor an operator of its own, as Python functions and
   * models do.
   */
  public static boolean canEvaluate(Expression filter) {
    return filter.deterministic()
        && !SubqueryExpression.hasSubquery(filter)
        && filter.find(RowFilter::needsOperator).isEmpty();
  }

  /** Whether an operator of its own computes an expression: a Python worker, or a model. */
  private static boolean needsOperator(Expression e) {
    return e instanceof Unevaluable && !(e instanceof Attribute);
  }

  private static boolean needsRows(Expression e) {
    return e instanceof CodegenFallback && !(e instanceof LeafExpression);
  }

  /** Returns the rows for which the filter is true; the batch is read during the call only. */
  public RowSelection select(ColumnarBatch batch) {
    return RowSelection.where(batch.numRows(), i -> predicate.eval(row.apply(batch.getRow(i))));
  }

  /** Binds a column to a row of those columns alone that the filter refers to. */
  private static Expression ofCopy(BoundReference column, List<Expression> columns) {
    if (!columns.contains(column)) {
      columns.add(column);
    }
    return new BoundReference(columns.indexOf(column), column.dataType(), column.nullable());
  }
}
