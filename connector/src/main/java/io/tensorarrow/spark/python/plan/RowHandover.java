package io.tensorarrow.spark.python.plan;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.options.Handover;
import io.tensorarrow.spark.source.TensorScan;
import io.tensorarrow.spark.sql.Inference;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import org.apache.spark.sql.catalyst.expressions.PythonUDAF;
import org.apache.spark.sql.catalyst.plans.logical.Aggregate;
import org.apache.spark.sql.catalyst.plans.logical.ArrowEvalPython;
import org.apache.spark.sql.catalyst.plans.logical.ArrowEvalPythonUDTF;
import org.apache.spark.sql.catalyst.plans.logical.BatchEvalPython;
import org.apache.spark.sql.catalyst.plans.logical.BatchEvalPythonUDTF;
import org.apache.spark.sql.catalyst.plans.logical.FlatMapCoGroupsInPandas;
import org.apache.spark.sql.catalyst.plans.logical.FlatMapGroupsInPandas;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.MapInPandas;
import org.apache.spark.sql.catalyst.plans.logical.PythonMapInArrow;
import org.apache.spark.sql.catalyst.plans.logical.Window;
import org.apache.spark.sql.execution.PlanLater;
import org.apache.spark.sql.execution.SparkPlan;
import org.apache.spark.sql.execution.adaptive.LogicalQueryStage;
import org.apache.spark.sql.execution.datasources.v2.DataSourceV2ScanRelation;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import scala.collection.JavaConverters;

/**
 * A Python node over an inference scan whose input has to go row by row, and why. Immutable.
 *
 * @param plan the node
 * @param reason why its input is rows
 */
record RowHandover(LogicalPlan plan, String reason) {
  private static final Logger LOG = LoggerFactory.getLogger(RowHandover.class);
  private static final Set<String> LOGGED_REASONS = ConcurrentHashMap.newKeySet();

  /**
   * Explains a plan that can't run in columns; empty if it is no Python node or has no inference
   * scan below it.
   *
   * @throws TensorArrowException with {@link ErrorCode#TA_HANDOVER} if the option of a scan
   *     requires another transfer mode than rows
   */
  static Optional<RowHandover> of(LogicalPlan plan) {
    if (!isPython(plan)) {
      return Optional.empty();
    }
    List<Handover> handovers = handovers(plan);
    if (handovers.isEmpty()) {
      return Optional.empty();
    }
    String reason = reason(plan);
    for (Handover handover : handovers) {
      if (handover == Handover.ARROW || handover == Handover.SHARED_MEMORY) {
        throw unavailable(handover, reason);
      }
    }
    return Optional.of(new RowHandover(plan, reason));
  }

  /** Returns the error of a transfer mode that the option requires and the plan does not allow. */
  static TensorArrowException unavailable(Handover required, String reason) {
    return TensorArrowException.cannot(
            ErrorCode.TA_HANDOVER,
            "hand batches over to the Python function with handover=%s",
            required.text())
        .found("%s", reason)
        .expected(
            "a function for batches (mapInArrow, mapInPandas, ta.map_tensors; for handover=arrow"
                + " also a scalar pandas_udf) with nothing but columns, deterministic filters and"
                + " other such functions between it and the read; or handover=auto, which takes"
                + " what there is");
  }

  private static boolean isPython(LogicalPlan plan) {
    return plan instanceof PythonMapInArrow
        || plan instanceof MapInPandas
        || plan instanceof ArrowEvalPython
        || plan instanceof BatchEvalPython
        || plan instanceof FlatMapGroupsInPandas
        || plan instanceof FlatMapCoGroupsInPandas
        || plan instanceof ArrowEvalPythonUDTF
        || plan instanceof BatchEvalPythonUDTF
        || callsGroupFunction(plan);
  }

  /** Whether pandas functions are the plan's aggregates, or its functions of windows. */
  private static boolean callsGroupFunction(LogicalPlan plan) {
    return (plan instanceof Aggregate || plan instanceof Window)
        && JavaConverters.seqAsJavaList(plan.expressions()).stream()
            .anyMatch(expression -> expression.find(e -> e instanceof PythonUDAF).isDefined());
  }

  /** Returns the option {@code handover} of each inference scan below a plan. */
  private static List<Handover> handovers(LogicalPlan plan) {
    List<Handover> handovers = new ArrayList<>();
    addHandovers(plan, handovers);
    return handovers;
  }

  private static void addHandovers(LogicalPlan plan, List<Handover> handovers) {
    if (plan instanceof DataSourceV2ScanRelation relation
        && relation.scan() instanceof TensorScan scan) {
      handovers.add(scan.handover());
    }
    if (plan instanceof Inference inference) {
      handovers.add(inference.handover());
    }
    // Adaptive execution plans anew above what has run.
    if (plan instanceof LogicalQueryStage stage) {
      addHandovers(stage.logicalPlan(), handovers);
    }
    JavaConverters.seqAsJavaList(plan.children()).forEach(child -> addHandovers(child, handovers));
  }

  private static String reason(LogicalPlan plan) {
    if (plan instanceof BatchEvalPython) {
      return "row-at-a-time Python UDF";
    }
    if (plan instanceof FlatMapGroupsInPandas
        || plan instanceof FlatMapCoGroupsInPandas
        || callsGroupFunction(plan)) {
      return "grouped pandas UDF (its input is shuffled)";
    }
    if (plan instanceof ArrowEvalPythonUDTF || plan instanceof BatchEvalPythonUDTF) {
      return "Python table function (UDTF)";
    }
    if (plan instanceof ArrowEvalPython eval && !ColumnarPlan.isScalar(eval)) {
      return "grouped or windowed pandas UDF, or one whose arguments are not columns";
    }
    return ColumnarPlan.rowFallbackReason(JavaConverters.seqAsJavaList(plan.children()).get(0));
  }

  /**
   * Returns Spark's own nodes, with the reason below them; empty if a stage that has run already
   * shows it.
   */
  Optional<SparkPlan> physical(Function<LogicalPlan, Optional<SparkPlan>> stock) {
    if (LOGGED_REASONS.add(reason)) {
      LOG.warn("A Python function over a model's outputs gets its input row by row: {}", reason);
    }
    return stock.apply(plan).map(this::explained);
  }

  /** Puts the reason where planning goes on below, under inputs that have an inference scan. */
  private SparkPlan explained(SparkPlan node) {
    if (node instanceof PlanLater later) {
      LogicalPlan input = later.plan();
      if (handovers(input).isEmpty() || isShown(input)) {
        return node;
      }
      SparkPlan shown = new HandoverRowsExec(reason, node);
      // Adaptive execution replaces the logical plan that a node was made of by what has run; an
      // exchange that it puts above this one stands for the input, not for the function.
      shown.setLogicalLink(input);
      return shown;
    }
    List<SparkPlan> children =
        JavaConverters.seqAsJavaList(node.children()).stream().map(this::explained).toList();
    return children.isEmpty()
        ? node
        : node.withNewChildren(JavaConverters.asScalaBuffer(children).toIndexedSeq());
  }

  private static boolean isShown(LogicalPlan input) {
    return input instanceof LogicalQueryStage stage
        && stage.physicalPlan().find(node -> node instanceof HandoverRowsExec).isDefined();
  }
}
