package io.tensorarrow.spark.python;

import io.tensorarrow.spark.options.Handover;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.apache.spark.api.python.ChainedPythonFunctions;
import org.apache.spark.api.python.PythonFunction;
import org.apache.spark.rdd.RDD;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.AttributeSet;
import org.apache.spark.sql.catalyst.expressions.ExprId;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.PythonUDF;
import org.apache.spark.sql.execution.SparkPlan;
import org.apache.spark.sql.execution.metric.SQLMetric;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.vectorized.ColumnarBatch;
import scala.collection.IndexedSeq;
import scala.collection.JavaConverters;
import scala.collection.Seq;

/**
 * Scalar pandas functions over a columnar child, plain or over iterators: the child's columns, and
 * beside them what the functions make of some. It stands where Spark plans {@code
 * ArrowEvalPythonExec}, and keeps its promises.
 *
 * <p>Immutable; on the driver, but for what {@link #doExecuteColumnar} ships to the tasks. Batches
 * wait in Arrow's memory until they are answered; those that it returns are valid until the next
 * one is asked for, and belong to the task.
 */
public final class ColumnarArrowEvalExec extends ColumnarUnaryExec {
  private static final long serialVersionUID = 1;

  private final Seq<PythonUDF> udfs;
  private final Seq<Attribute> results;
  private final int evalType;

  // Spark makes plans anew with other children; the metrics are the node's own.
  private final transient scala.collection.immutable.Map<String, SQLMetric> metrics;

  /**
   * Makes a node; Spark itself calls this, too.
   *
   * @param udfs the functions, whose arguments are {@link #isCallable}
   * @param results the columns that they return
   * @param child what they are applied to; columnar
   * @param evalType {@code SQL_SCALAR_PANDAS_UDF} or {@code SQL_SCALAR_PANDAS_ITER_UDF}
   */
  public ColumnarArrowEvalExec(
      Seq<PythonUDF> udfs, Seq<Attribute> results, SparkPlan child, int evalType) {
    super(child);
    this.udfs = udfs;
    this.results = results;
    this.evalType = evalType;
    this.metrics = PythonMetrics.create(sparkContext());
  }

  /** Whether all that a function gets are columns, or other functions of columns. */
  public static boolean isCallable(PythonUDF udf) {
    List<Expression> arguments = JavaConverters.seqAsJavaList(udf.children());
    if (arguments.size() == 1 && arguments.get(0) instanceof PythonUDF inner) {
      return isCallable(inner);
    }
    return arguments.stream().allMatch(Attribute.class::isInstance);
  }

  @Override
  List<Object> arguments() {
    return List.of(udfs, results, child(), evalType);
  }

  @Override
  public SparkPlan withNewChildrenInternal(IndexedSeq<SparkPlan> children) {
    return new ColumnarArrowEvalExec(udfs, results, children.apply(0), evalType);
  }

  @Override
  public String simpleString(int maxFields) {
    return nodeName()
        + " handover=arrow "
        + udfs.mkString("[", ", ", "]")
        + ", "
        + results.mkString("[", ", ", "]");
  }

  @Override
  public Seq<Attribute> output() {
    List<Attribute> columns = new ArrayList<>(JavaConverters.seqAsJavaList(child().output()));
    columns.addAll(JavaConverters.seqAsJavaList(results));
    return ScalaLists.of(columns);
  }

  @Override
  @SuppressWarnings("unchecked")
  public AttributeSet producedAttributes() {
    return AttributeSet.apply((Seq<Expression>) (Seq<?>) results);
  }

  @Override
  public scala.collection.immutable.Map<String, SQLMetric> metrics() {
    return metrics;
  }

  @Override
  public RDD<ColumnarBatch> doExecuteColumnar() {
    List<Attribute> columns = JavaConverters.seqAsJavaList(child().output());
    List<ChainedPythonFunctions> functions = new ArrayList<>();
    List<List<Integer>> arguments = new ArrayList<>();
    // A column that several functions get is sent once.
    Map<ExprId, Integer> places = new LinkedHashMap<>();
    for (PythonUDF udf : JavaConverters.seqAsJavaList(udfs)) {
      List<PythonFunction> chain = new ArrayList<>();
      List<Expression> innermost = addChain(udf, chain);
      functions.add(new ChainedPythonFunctions(ScalaLists.of(chain)));
      arguments.add(
          innermost.stream()
              .map(a -> places.computeIfAbsent(((Attribute) a).exprId(), id -> places.size()))
              .toList());
    }
    List<Integer> sent = places.keySet().stream().map(id -> ordinal(id, columns)).toList();
    StructType returned = new StructType();
    for (Attribute result : JavaConverters.seqAsJavaList(results)) {
      returned = returned.add(result.name(), result.dataType());
    }
    return evaluated(
        new PythonCall(
            functions,
            arguments,
            sent,
            evalType,
            Handover.ARROW,
            child().schema(),
            returned,
            WorkerSettings.of(conf()),
            metrics));
  }

  /** Adds a function and those that it is applied to, innermost first; returns the arguments. */
  private static List<Expression> addChain(PythonUDF udf, List<PythonFunction> chain) {
    List<Expression> arguments = JavaConverters.seqAsJavaList(udf.children());
    if (arguments.size() == 1 && arguments.get(0) instanceof PythonUDF inner) {
      arguments = addChain(inner, chain);
    }
    chain.add(udf.func());
    return arguments;
  }

  private static int ordinal(ExprId column, List<Attribute> columns) {
    return IntStream.range(0, columns.size())
        .filter(i -> columns.get(i).exprId().equals(column))
        .findFirst()
        .orElseThrow(() -> new IllegalStateException(column + " is not in " + columns));
  }
}
