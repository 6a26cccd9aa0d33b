package io.tensorarrow.spark.columnar;

import io.tensorarrow.spark.tensor.vector.SelectedColumn;
import java.util.List;
import org.apache.spark.PartitionEvaluator;
import org.apache.spark.PartitionEvaluatorFactory;
import org.apache.spark.rdd.RDD;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.BindReferences;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.execution.SparkPlan;
import org.apache.spark.sql.vectorized.ColumnarBatch;
import scala.collection.IndexedSeq;
import scala.collection.Seq;

/** Keeps the rows for which a condition is true, as views of the child's columns. */
public final class ColumnarFilterExec extends ColumnarUnaryExec {
  private static final long serialVersionUID = 1;

  private final Expression condition;

  /**
   * Creates a node; Spark calls this, too, by reflection.
   *
   * @param condition over the child's columns
   * @param child a columnar plan
   */
  public ColumnarFilterExec(Expression condition, SparkPlan child) {
    super(child);
    this.condition = condition;
  }

  @Override
  protected List<Object> arguments() {
    return List.of(condition, child());
  }

  @Override
  public SparkPlan withNewChildrenInternal(IndexedSeq<SparkPlan> children) {
    return new ColumnarFilterExec(condition, children.apply(0));
  }

  @Override
  public Seq<Attribute> output() {
    return child().output();
  }

  @Override
  public RDD<ColumnarBatch> doExecuteColumnar() {
    return evaluated(new Selection(bound()));
  }

  private Expression bound() {
    return BindReferences.bindReference(
        condition,
        org.apache.spark.sql.catalyst.expressions.package$.MODULE$.AttributeSeq(child().output()),
        false);
  }

  private record Selection(Expression condition)
      implements PartitionEvaluatorFactory<ColumnarBatch, ColumnarBatch> {
    @Override
    public PartitionEvaluator<ColumnarBatch, ColumnarBatch> createEvaluator() {
      return (index, inputs) -> {
        RowFilter filter = new RowFilter(condition, index);
        return inputs.head().map(batch -> SelectedColumn.batch(batch, filter.select(batch)));
      };
    }
  }
}
