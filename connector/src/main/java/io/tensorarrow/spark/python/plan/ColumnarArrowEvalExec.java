package io.tensorarrow.spark.python.plan;

import io.tensorarrow.spark.columnar.ColumnarProjectExec;
import io.tensorarrow.spark.columnar.ColumnarUnaryExec;
import io.tensorarrow.spark.columnar.ScalaLists;
import io.tensorarrow.spark.options.Handover;
import io.tensorarrow.spark.python.worker.ColumnForms;
import io.tensorarrow.spark.python.worker.PythonCall;
import io.tensorarrow.spark.python.worker.PythonMetrics;
import io.tensorarrow.spark.python.worker.ScalarCall;
import io.tensorarrow.spark.python.worker.WireSchema;
import io.tensorarrow.spark.python.worker.WorkerSettings;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.apache.spark.api.python.ChainedPythonFunctions;
import org.apache.spark.api.python.PythonEvalType;
import org.apache.spark.api.python.PythonFunction;
import org.apache.spark.rdd.RDD;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.AttributeSet;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.PythonUDF;
import org.apache.spark.sql.execution.SparkPlan;
import org.apache.spark.sql.execution.metric.SQLMetric;
import org.apache.spark.sql.types.CalendarIntervalType;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.vectorized.ColumnarBatch;
import scala.collection.IndexedSeq;
import scala.collection.JavaConverters;
import scala.collection.Seq;

/**
 * Scalar pandas UDFs, also over iterators, and {@code predict_batch_udf} over a columnar child: the
 * child's columns and the UDFs' results, no rows between. It is planned instead of {@code
 * ArrowEvalPythonExec}, and has the same semantics.
 *
 * <p>Immutable; on the driver, but for what {@link #doExecuteColumnar} ships to the tasks. A batch
 * that it returns is valid until the next one is asked for, and belongs to the task.
 */
public final class ColumnarArrowEvalExec extends ColumnarUnaryExec {
  private static final long serialVersionUID = 1;

  private static final String REASON = "scalar pandas UDF (sent as Arrow columns)";

  private final Seq<PythonUDF> udfs;
  private final Seq<Attribute> results;
  private final int evalType;

  // Not an argument: Spark copies plans with other children, and each node has its own metrics.
  private final transient scala.collection.immutable.Map<String, SQLMetric> metrics;

  /**
   * Creates a node; Spark calls this, too, by reflection.
   *
   * @param udfs the functions, {@link #supports supported}
   * @param results the columns of what they return
   * @param child what they are applied to; columnar
   * @param evalType Spark's number for the kind of the functions
   */
  public ColumnarArrowEvalExec(
      Seq<PythonUDF> udfs, Seq<Attribute> results, SparkPlan child, int evalType) {
    super(child);
    this.udfs = udfs;
    this.results = results;
    this.evalType = evalType;
    this.metrics = PythonMetrics.create(sparkContext());
  }

  /**
   * Whether the node can call functions: scalar pandas UDFs of columns, and of each other, whose
   * batches can be Arrow's.
   *
   * @param evalType Spark's number for their kind
   * @param columns the columns of the node's child
   */
  public static boolean supports(Seq<PythonUDF> udfs, int evalType, Seq<Attribute> columns) {
    boolean scalar =
        evalType == PythonEvalType.SQL_SCALAR_PANDAS_UDF()
            || evalType == PythonEvalType.SQL_SCALAR_PANDAS_ITER_UDF();
    return scalar
        && JavaConverters.seqAsJavaList(udfs).stream()
            .flatMap(udf -> arguments(udf).stream())
            .allMatch(Attribute.class::isInstance)
        && JavaConverters.seqAsJavaList(columns).stream()
            .noneMatch(
                column ->
                    column
                        .dataType()
                        .existsRecursively(type -> type instanceof CalendarIntervalType));
  }

  /** Returns the arguments of the first function of a chain. */
  private static List<Expression> arguments(PythonUDF udf) {
    List<Expression> children = JavaConverters.seqAsJavaList(udf.children());
    return children.size() == 1 && children.get(0) instanceof PythonUDF inner
        ? arguments(inner)
        : children;
  }

  /** Returns the functions of a chain in the order in which they are applied. */
  private static Stream<PythonFunction> functions(PythonUDF udf) {
    List<Expression> children = JavaConverters.seqAsJavaList(udf.children());
    Stream<PythonFunction> before =
        children.size() == 1 && children.get(0) instanceof PythonUDF inner
            ? functions(inner)
            : Stream.of();
    return Stream.concat(before, Stream.of(udf.func()));
  }

  @Override
  protected List<Object> arguments() {
    return List.of(udfs, results, child(), evalType);
  }

  @Override
  public SparkPlan withNewChildrenInternal(IndexedSeq<SparkPlan> children) {
    return new ColumnarArrowEvalExec(udfs, results, children.apply(0), evalType);
  }

  /** Shows the transfer mode instead of the arguments, which are numbers. */
  @Override
  public String simpleString(int maxFields) {
    return nodeName()
        + " handover="
        + Handover.ARROW.text()
        + " reason="
        + REASON
        + " "
        + udfs.mkString("[", ", ", "]")
        + results.mkString("[", ", ", "]");
  }

  @Override
  public Seq<Attribute> output() {
    List<Attribute> output = new ArrayList<>(JavaConverters.seqAsJavaList(child().output()));
    output.addAll(JavaConverters.seqAsJavaList(results));
    return ScalaLists.of(output);
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
    List<List<Integer>> offsets = new ArrayList<>();
    List<Integer> sentColumns = new ArrayList<>();
    for (PythonUDF udf : JavaConverters.seqAsJavaList(udfs)) {
      functions.add(new ChainedPythonFunctions(ScalaLists.of(functions(udf).toList())));
      List<Integer> argumentColumns =
          arguments(udf).stream()
              .map(argument -> ColumnarProjectExec.ordinal((Attribute) argument, columns))
              .toList();
      argumentColumns.stream()
          .filter(column -> !sentColumns.contains(column))
          .distinct()
          .forEach(sentColumns::add);
      offsets.add(argumentColumns.stream().map(sentColumns::indexOf).toList());
    }
    PythonCall call =
        new PythonCall(
            functions,
            offsets,
            evalType,
            Handover.ARROW,
            new WireSchema(input(columns, sentColumns), ColumnForms.SPARK, resultTypes()),
            WorkerSettings.of(conf()),
            metrics);
    return evaluated(new ScalarCall(call, List.copyOf(sentColumns), child().schema()));
  }

  /** Returns the sent columns with the names and the nullability that Spark gives them. */
  private static StructType input(List<Attribute> columns, List<Integer> sentColumns) {
    StructType input = new StructType();
    for (int column : sentColumns) {
      input = input.add("_" + input.size(), columns.get(column).dataType());
    }
    return input;
  }

  private StructType resultTypes() {
    return new StructType(
        JavaConverters.seqAsJavaList(results).stream()
            .map(
                result ->
                    new StructField(
                        result.name(), result.dataType(), result.nullable(), result.metadata()))
            .toArray(StructField[]::new));
  }
}
