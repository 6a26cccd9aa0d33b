package io.tensorarrow.spark.columnar;

import java.util.List;
import org.apache.spark.PartitionEvaluator;
import org.apache.spark.PartitionEvaluatorFactory;
import org.apache.spark.rdd.RDD;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.execution.SparkPlan;
import org.apache.spark.sql.vectorized.ColumnarBatch;
import scala.collection.AbstractIterator;
import scala.collection.IndexedSeq;
import scala.collection.Iterator;
import scala.collection.Seq;

/** Ends each partition after some rows, without asking for a batch after them. */
public final class ColumnarLocalLimitExec extends ColumnarUnaryExec {
  private static final long serialVersionUID = 1;

  private final int limit;

  /**
   * Creates a node; Spark calls this, too, by reflection.
   *
   * @param limit the most rows of a partition
   * @param child a columnar plan
   */
  public ColumnarLocalLimitExec(int limit, SparkPlan child) {
    super(child);
    this.limit = limit;
  }

  @Override
  protected List<Object> arguments() {
    return List.of(limit, child());
  }

  @Override
  public SparkPlan withNewChildrenInternal(IndexedSeq<SparkPlan> children) {
    return new ColumnarLocalLimitExec(limit, children.apply(0));
  }

  @Override
  public Seq<Attribute> output() {
    return child().output();
  }

  @Override
  public RDD<ColumnarBatch> doExecuteColumnar() {
    return evaluated(new Limit(limit));
  }

  private record Limit(int limit)
      implements PartitionEvaluatorFactory<ColumnarBatch, ColumnarBatch> {
    @Override
    public PartitionEvaluator<ColumnarBatch, ColumnarBatch> createEvaluator() {
      return (index, inputs) -> new Batches(inputs.head(), limit);
    }
  }

  private static final class Batches extends AbstractIterator<ColumnarBatch> {
    private final Iterator<ColumnarBatch> batches;
    private int rowsLeft;

    Batches(Iterator<ColumnarBatch> batches, int limit) {
      this.batches = batches;
      this.rowsLeft = limit;
    }

    @Override
    public boolean hasNext() {
      return rowsLeft > 0 && batches.hasNext();
    }

    @Override
    public ColumnarBatch next() {
      ColumnarBatch batch = batches.next();
      int rows = Math.min(rowsLeft, batch.numRows());
      rowsLeft -= rows;
      if (rows < batch.numRows()) {
        batch.setNumRows(rows);
      }
      return batch;
    }
  }
}
