package io.tensorarrow.spark.columnar;

import java.io.Serializable;
import org.apache.spark.PartitionEvaluatorFactory;
import org.apache.spark.sql.vectorized.ColumnarBatch;
import scala.collection.Iterator;
import scala.runtime.AbstractFunction2;

/** Applies an evaluator to a partition, as a function of its index. Shipped to the executors. */
final class EvaluatedPartition
    extends AbstractFunction2<Object, Iterator<ColumnarBatch>, Iterator<ColumnarBatch>>
    implements Serializable {
  private static final long serialVersionUID = 1;

  private final PartitionEvaluatorFactory<ColumnarBatch, ColumnarBatch> evaluators;

  EvaluatedPartition(PartitionEvaluatorFactory<ColumnarBatch, ColumnarBatch> evaluators) {
    this.evaluators = evaluators;
  }

  @Override
  public Iterator<ColumnarBatch> apply(Object index, Iterator<ColumnarBatch> batches) {
    return evaluators.createEvaluator().eval((Integer) index, ScalaLists.of(batches));
  }
}
