package io.tensorarrow.spark.sql.execution;

import io.tensorarrow.spark.columnar.ColumnarProjectExec;
import io.tensorarrow.spark.columnar.ScalaLists;
import io.tensorarrow.spark.columnar.UnaryPlan;
import io.tensorarrow.spark.inference.InferenceSpec;
import io.tensorarrow.spark.source.ScanMetric;
import io.tensorarrow.spark.sql.Inference;
import io.tensorarrow.spark.sql.Predict;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.apache.spark.PartitionEvaluatorFactory;
import org.apache.spark.rdd.RDD;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.AttributeSet;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.SortOrder;
import org.apache.spark.sql.execution.SparkPlan;
import org.apache.spark.sql.execution.metric.SQLMetric;
import org.apache.spark.sql.execution.metric.SQLMetrics;
import org.apache.spark.sql.internal.SQLConf;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.vectorized.ColumnarBatch;
import org.apache.spark.util.Utils;
import scala.Tuple2;
import scala.collection.IndexedSeq;
import scala.collection.JavaConverters;
import scala.collection.Seq;
import scala.reflect.ClassTag;
import scala.reflect.ClassTag$;

/**
 * Runs a model over the batches of a columnar child, or over the rows of another one, and returns
 * batches: the child's columns, and behind them the outputs, over TensorFlow's own memory.
 *
 * <p>Immutable; on the driver, but for what {@link #doExecuteColumnar} ships to the tasks. A batch
 * that it returns is valid until the next one is asked for.
 */
public final class InferenceExec extends UnaryPlan {
  private static final long serialVersionUID = 1;

  private static final ClassTag<ColumnarBatch> BATCHES =
      ClassTag$.MODULE$.apply(ColumnarBatch.class);

  private final Predict call;
  private final Seq<Attribute> results;
  private final Seq<Expression> condition;
  private final boolean acrossFiles;

  // Not an argument: Spark copies plans with other children, and each node has its own metrics.
  private final transient scala.collection.immutable.Map<String, SQLMetric> metrics;

  /**
   * Creates a node; Spark calls this, too, by reflection.
   *
   * @param call what to run; its arguments are attributes of the child
   * @param results the attributes of the call's outputs
   * @param condition an attribute of the child that is true for the rows to run, or nothing
   * @param acrossFiles whether a batch may hold rows of several files
   * @param child columnar or not
   */
  public InferenceExec(
      Predict call,
      Seq<Attribute> results,
      Seq<Expression> condition,
      boolean acrossFiles,
      SparkPlan child) {
    super(child);
    this.call = call;
    this.results = results;
    this.condition = condition;
    this.acrossFiles = acrossFiles;
    scala.collection.immutable.Map<String, SQLMetric> created =
        scala.collection.immutable.Map$.MODULE$.empty();
    for (ScanMetric metric : ScanMetric.values()) {
      created =
          created.$plus(
              new Tuple2<>(
                  metric.metric().name(),
                  SQLMetrics.createV2CustomMetric(sparkContext(), metric.metric())));
    }
    this.metrics = created;
  }

  @Override
  protected List<Object> arguments() {
    return List.of(call, results, condition, acrossFiles, child());
  }

  /**
   * Takes another child. Spark puts a node between that makes batches of rows; rows are fed without
   * it.
   */
  @Override
  public SparkPlan withNewChildrenInternal(IndexedSeq<SparkPlan> children) {
    return new InferenceExec(
        call, results, condition, acrossFiles, ChildPlans.fed(children.apply(0)));
  }

  @Override
  public Seq<Attribute> output() {
    return Inference.output(child().output(), results);
  }

  @Override
  @SuppressWarnings("unchecked")
  public AttributeSet producedAttributes() {
    return AttributeSet.apply((Seq<Expression>) (Seq<?>) results);
  }

  @Override
  public Seq<SortOrder> outputOrdering() {
    return child().outputOrdering();
  }

  @Override
  public boolean supportsColumnar() {
    return true;
  }

  @Override
  public scala.collection.immutable.Map<String, SQLMetric> metrics() {
    return metrics;
  }

  /** Shows model and columns as the data source's scan does. */
  @Override
  public String simpleString(int maxFields) {
    InferenceSpec spec = call.target().spec();
    String text =
        "Inference model=%s fingerprint=%s signature=%s feeds=[%s] fetches=%s batchRows=%d%s cast=%s handover=%s%s"
            .formatted(
                spec.model().directory(),
                spec.model().shortFingerprint(),
                spec.signature(),
                call.arguments().stream()
                    .map(Expression::toString)
                    .collect(Collectors.joining(", ")),
                results.mkString("[", ", ", "]"),
                spec.batch().rows(),
                spec.batch().fixed() ? " (fixed)" : "",
                spec.elements().cast().text(),
                spec.handover().text(),
                condition.isEmpty() ? "" : " where=" + condition.head());
    return Utils.redact(SQLConf.get().stringRedactionPattern(), text);
  }

  @Override
  public RDD<InternalRow> doExecute() {
    throw new UnsupportedOperationException("a columnar node: Spark puts ColumnarToRow above it");
  }

  @Override
  public RDD<ColumnarBatch> doExecuteColumnar() {
    List<Attribute> columns = JavaConverters.seqAsJavaList(child().output());
    List<Integer> inputs =
        call.arguments().stream()
            .map(argument -> ColumnarProjectExec.ordinal((Attribute) argument, columns))
            .toList();
    StructField[] fields = new StructField[inputs.size()];
    for (int i = 0; i < fields.length; i++) {
      Attribute column = columns.get(inputs.get(i));
      fields[i] =
          new StructField(
              call.target().arguments().get(i),
              column.dataType(),
              column.nullable(),
              column.metadata());
    }
    Map<ScanMetric, SQLMetric> sums = new EnumMap<>(ScanMetric.class);
    for (ScanMetric metric : ScanMetric.values()) {
      sums.put(metric, metrics.apply(metric.metric().name()));
    }
    InferenceTask task =
        new InferenceTask(
            call.target().spec(),
            new StructType(fields),
            columns.size(),
            inputs,
            JavaConverters.seqAsJavaList(results).stream().map(Attribute::dataType).toList(),
            condition.isEmpty()
                ? -1
                : ColumnarProjectExec.ordinal((Attribute) condition.head(), columns),
            acrossFiles,
            sums);
    StructType schema = child().schema();
    if (child().supportsColumnar()) {
      PartitionEvaluatorFactory<ColumnarBatch, ColumnarBatch> evaluators =
          () ->
              (index, batches) ->
                  ScalaLists.iterator(task.overBatches(index, batches.head(), schema));
      return child().executeColumnar().mapPartitionsWithEvaluator(evaluators, BATCHES);
    }
    PartitionEvaluatorFactory<InternalRow, ColumnarBatch> evaluators =
        () -> (index, rows) -> ScalaLists.iterator(task.overRows(index, rows.head(), schema));
    return child().execute().mapPartitionsWithEvaluator(evaluators, BATCHES);
  }
}
