package io.tensorarrow.spark.python.plan;

import io.tensorarrow.spark.columnar.ColumnarFilterExec;
import io.tensorarrow.spark.columnar.ColumnarLocalLimitExec;
import io.tensorarrow.spark.columnar.ColumnarProjectExec;
import io.tensorarrow.spark.columnar.RowFilter;
import io.tensorarrow.spark.options.Handover;
import io.tensorarrow.spark.source.TensorScan;
import io.tensorarrow.spark.sql.Inference;
import io.tensorarrow.spark.sql.tables.QueryTableRead;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.ExprId;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.Literal;
import org.apache.spark.sql.catalyst.expressions.NamedExpression;
import org.apache.spark.sql.catalyst.expressions.PythonUDF;
import org.apache.spark.sql.catalyst.plans.logical.ArrowEvalPython;
import org.apache.spark.sql.catalyst.plans.logical.Filter;
import org.apache.spark.sql.catalyst.plans.logical.LocalLimit;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.MapInPandas;
import org.apache.spark.sql.catalyst.plans.logical.Project;
import org.apache.spark.sql.catalyst.plans.logical.PythonMapInArrow;
import org.apache.spark.sql.execution.SparkPlan;
import org.apache.spark.sql.execution.adaptive.LogicalQueryStage;
import org.apache.spark.sql.execution.datasources.v2.DataSourceV2ScanRelation;
import scala.collection.JavaConverters;
import scala.collection.Seq;

/**
 * A logical plan that can run in columns from an inference scan up. Immutable.
 *
 * @param handover the transfer mode that the read's option asks for
 * @param callsPython whether the plan's root is a Python function
 * @param tensors the columns that are unchanged outputs of the scan's model
 * @param planner makes the physical plan, given the planner of the scan
 */
record ColumnarPlan(
    Handover handover,
    boolean callsPython,
    Set<ExprId> tensors,
    Function<Function<LogicalPlan, SparkPlan>, SparkPlan> planner) {

  /** Returns how a plan runs in columns; empty if some node needs rows, or the option says rows. */
  static Optional<ColumnarPlan> of(LogicalPlan plan) {
    if (plan instanceof DataSourceV2ScanRelation relation) {
      return relation.scan() instanceof TensorScan scan && scan.handover() != Handover.ROWS
          ? Optional.of(
              new ColumnarPlan(
                  scan.handover(), false, tensors(relation, scan), later -> later.apply(plan)))
          : Optional.empty();
    }
    if (plan instanceof Inference inference && inference.handover() != Handover.ROWS) {
      return Optional.of(over(inference));
    }
    if (plan instanceof QueryTableRead read) {
      return of(read.child());
    }
    if (plan instanceof Project project && choosesColumns(project)) {
      return of(project.child())
          .map(c -> c.withParent(child -> new ColumnarProjectExec(project.projectList(), child)))
          .map(c -> c.trackRenames(project));
    }
    if (plan instanceof Filter filter && RowFilter.canEvaluate(filter.condition())) {
      return of(filter.child())
          .map(c -> c.withParent(child -> new ColumnarFilterExec(filter.condition(), child)));
    }
    if (plan instanceof LocalLimit limit && limit.limitExpr() instanceof Literal rows) {
      return of(limit.child())
          .map(
              c ->
                  c.withParent(child -> new ColumnarLocalLimitExec((Integer) rows.value(), child)));
    }
    if (plan instanceof PythonMapInArrow map) {
      return of(map.child())
          .map(
              c ->
                  c.withMapFunction(
                      (PythonUDF) map.functionExpr(), map.child(), map.output(), map.isBarrier()));
    }
    if (plan instanceof MapInPandas map) {
      return of(map.child())
          .map(
              c ->
                  c.withMapFunction(
                      (PythonUDF) map.functionExpr(), map.child(), map.output(), map.isBarrier()));
    }
    if (plan instanceof ArrowEvalPython eval && isScalar(eval)) {
      return of(eval.child()).map(c -> c.withScalarFunctions(eval));
    }
    return Optional.empty();
  }

  /** An inference is columnar whatever is below it, where tensors of other models may come from. */
  private static ColumnarPlan over(Inference inference) {
    Set<ExprId> tensors = new HashSet<>(inference.tensors());
    of(JavaConverters.seqAsJavaList(inference.children()).get(0))
        .ifPresent(below -> tensors.addAll(below.tensors));
    return new ColumnarPlan(inference.handover(), false, tensors, later -> later.apply(inference));
  }

  /** Returns why a plan cannot run in columns: the first node from its root that needs rows. */
  static String rowFallbackReason(LogicalPlan plan) {
    if (plan instanceof LogicalQueryStage stage) {
      return rowFallbackReason(stage.logicalPlan());
    }
    if (plan instanceof DataSourceV2ScanRelation relation) {
      return relation.scan() instanceof TensorScan scan
          ? "handover=" + scan.handover().text()
          : "a read of another source";
    }
    if (plan instanceof Inference inference) {
      return "handover=" + inference.handover().text();
    }
    if (plan instanceof QueryTableRead read) {
      return rowFallbackReason(read.child());
    }
    if (plan instanceof Project project && !choosesColumns(project)) {
      return "a projection that computes";
    }
    if (plan instanceof Filter filter && !RowFilter.canEvaluate(filter.condition())) {
      return "a filter that is not deterministic, or has a subquery";
    }
    boolean keepsColumns =
        plan instanceof Project
            || plan instanceof Filter
            || plan instanceof LocalLimit
            || plan instanceof PythonMapInArrow
            || plan instanceof MapInPandas
            || (plan instanceof ArrowEvalPython eval && isScalar(eval));
    return keepsColumns
        ? rowFallbackReason(JavaConverters.seqAsJavaList(plan.children()).get(0))
        : plan.nodeName() + ", which outputs rows";
  }

  static boolean isScalar(ArrowEvalPython eval) {
    return ColumnarArrowEvalExec.supports(eval.udfs(), eval.evalType(), eval.child().output());
  }

  private static boolean choosesColumns(Project project) {
    return JavaConverters.seqAsJavaList(project.projectList()).stream()
        .allMatch(column -> ColumnarProjectExec.isColumn((Expression) column));
  }

  /** Returns the physical plan. */
  SparkPlan physical(Function<LogicalPlan, SparkPlan> planLater) {
    return planner.apply(planLater);
  }

  private static Set<ExprId> tensors(DataSourceV2ScanRelation relation, TensorScan scan) {
    Set<String> tensorColumns = scan.tensorColumns();
    return JavaConverters.seqAsJavaList(relation.output()).stream()
        .filter(column -> tensorColumns.contains(column.name()))
        .map(Attribute::exprId)
        .collect(Collectors.toSet());
  }

  private ColumnarPlan withParent(UnaryOperator<SparkPlan> node) {
    return new ColumnarPlan(handover, false, tensors, later -> node.apply(planner.apply(later)));
  }

  /** Follows tensors to the names that a projection gives them. */
  private ColumnarPlan trackRenames(Project project) {
    Set<ExprId> renamed =
        JavaConverters.seqAsJavaList(project.projectList()).stream()
            .filter(column -> tensors.contains(ColumnarProjectExec.attribute(column).exprId()))
            .map(NamedExpression::exprId)
            .collect(Collectors.toSet());
    return new ColumnarPlan(handover, false, renamed, planner);
  }

  private ColumnarPlan withMapFunction(
      PythonUDF function, LogicalPlan child, Seq<Attribute> output, boolean barrier) {
    List<Attribute> input = JavaConverters.seqAsJavaList(child.output());
    List<Integer> tensorOrdinals =
        IntStream.range(0, input.size())
            .filter(i -> tensors.contains(input.get(i).exprId()))
            .boxed()
            .toList();
    return new ColumnarPlan(
        handover,
        true,
        Set.of(),
        later ->
            new ColumnarMapInBatchExec(
                function, tensorOrdinals, output, planner.apply(later), barrier, handover.text()));
  }

  /** Scalar functions get their columns as Arrow through the socket, not in envelopes. */
  private ColumnarPlan withScalarFunctions(ArrowEvalPython eval) {
    if (handover == Handover.SHARED_MEMORY) {
      throw RowHandover.unavailable(handover, "scalar pandas UDF (sent as Arrow columns)");
    }
    return new ColumnarPlan(
        handover,
        true,
        Set.of(),
        later ->
            new ColumnarArrowEvalExec(
                eval.udfs(), eval.resultAttrs(), planner.apply(later), eval.evalType()));
  }
}
