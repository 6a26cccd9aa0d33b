package io.tensorarrow.spark.columnar;

import java.util.List;
import java.util.stream.IntStream;
import org.apache.spark.PartitionEvaluator;
import org.apache.spark.PartitionEvaluatorFactory;
import org.apache.spark.rdd.RDD;
import org.apache.spark.sql.catalyst.expressions.Alias;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.NamedExpression;
import org.apache.spark.sql.execution.SparkPlan;
import org.apache.spark.sql.vectorized.ColumnVector;
import org.apache.spark.sql.vectorized.ColumnarBatch;
import scala.collection.IndexedSeq;
import scala.collection.Iterator;
import scala.collection.JavaConverters;
import scala.collection.Seq;

/** Chooses, orders and renames the columns of batches, which stay the child's. Immutable. */
public final class ColumnarProjectExec extends ColumnarUnaryExec {
  private static final long serialVersionUID = 1;

  private final Seq<NamedExpression> columns;

  /**
   * Creates a node; Spark calls this, too, by reflection.
   *
   * @param columns attributes of the child, under their own names or other ones
   * @param child a columnar plan
   */
  public ColumnarProjectExec(Seq<NamedExpression> columns, SparkPlan child) {
    super(child);
    this.columns = columns;
  }

  /** Whether an expression is one that this node can compute. */
  public static boolean isColumn(Expression expression) {
    return (expression instanceof Alias alias ? alias.child() : expression) instanceof Attribute;
  }

  @Override
  protected List<Object> arguments() {
    return List.of(columns, child());
  }

  @Override
  public SparkPlan withNewChildrenInternal(IndexedSeq<SparkPlan> children) {
    return new ColumnarProjectExec(columns, children.apply(0));
  }

  @Override
  public Seq<Attribute> output() {
    return ScalaLists.of(
        JavaConverters.seqAsJavaList(columns).stream().map(NamedExpression::toAttribute).toList());
  }

  @Override
  public RDD<ColumnarBatch> doExecuteColumnar() {
    List<Attribute> attributes = JavaConverters.seqAsJavaList(child().output());
    List<Integer> ordinals =
        JavaConverters.seqAsJavaList(columns).stream()
            .map(column -> ordinal(attribute(column), attributes))
            .toList();
    return evaluated(new Projection(ordinals));
  }

  /** Returns the child's attribute that {@link #isColumn a column} is. */
  public static Attribute attribute(NamedExpression column) {
    return column instanceof Alias alias ? (Attribute) alias.child() : (Attribute) column;
  }

  /** Returns the ordinal of an attribute among others. */
  public static int ordinal(Attribute attribute, List<Attribute> attributes) {
    return IntStream.range(0, attributes.size())
        .filter(i -> attributes.get(i).exprId().equals(attribute.exprId()))
        .findFirst()
        .orElseThrow(() -> new IllegalStateException(attribute + " is not in " + attributes));
  }

  private record Projection(List<Integer> ordinals)
      implements PartitionEvaluatorFactory<ColumnarBatch, ColumnarBatch> {
    @Override
    public PartitionEvaluator<ColumnarBatch, ColumnarBatch> createEvaluator() {
      return (index, inputs) -> project(inputs.head());
    }

    private Iterator<ColumnarBatch> project(Iterator<ColumnarBatch> batches) {
      return batches.map(
          batch ->
              new ColumnarBatch(
                  ordinals.stream().map(batch::column).toArray(ColumnVector[]::new),
                  batch.numRows()));
    }
  }
}
