package io.tensorarrow.spark.sql;

import io.tensorarrow.spark.python.ColumnarMapInBatchExec;
import io.tensorarrow.spark.source.TensorFlowTables;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.api.python.PythonEvalType;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.MapInPandas;
import org.apache.spark.sql.catalyst.plans.logical.PythonMapInArrow;
import org.apache.spark.sql.execution.SparkPlan;
import org.apache.spark.sql.execution.SparkStrategy;
import org.apache.spark.sql.execution.datasources.v2.DataSourceV2ScanRelation;
import scala.collection.JavaConverters;
import scala.collection.Seq;

/**
 * Plans Python functions over our scans, or over each other, in columns.
 *
 * <p>Stateless; Spark calls it in the thread that plans.
 */
public final class ColumnarPythonStrategy extends SparkStrategy {
  /** Made by {@link #register}, or by Spark's extensions. */
  public ColumnarPythonStrategy() {}

  /** Adds the strategy to a session, unless it is there already. */
  public static void register(SparkSession session) {
    synchronized (session) {
      List<SparkStrategy> strategies =
          new ArrayList<>(JavaConverters.seqAsJavaList(session.experimental().extraStrategies()));
      if (strategies.stream().noneMatch(ColumnarPythonStrategy.class::isInstance)) {
        strategies.add(new ColumnarPythonStrategy());
        session
            .experimental()
            .extraStrategies_$eq(JavaConverters.asScalaBuffer(strategies).toList());
      }
    }
  }

  @Override
  public Seq<SparkPlan> apply(LogicalPlan plan) {
    if (plan instanceof PythonMapInArrow map && isColumnar(map.child())) {
      return planned(
          map.functionExpr(),
          map.output(),
          map.child(),
          map.isBarrier(),
          PythonEvalType.SQL_MAP_ARROW_ITER_UDF());
    }
    if (plan instanceof MapInPandas map && isColumnar(map.child())) {
      return planned(
          map.functionExpr(),
          map.output(),
          map.child(),
          map.isBarrier(),
          PythonEvalType.SQL_MAP_PANDAS_ITER_UDF());
    }
    return list(List.of());
  }

  private Seq<SparkPlan> planned(
      Expression function,
      Seq<Attribute> output,
      LogicalPlan child,
      boolean barrier,
      int evalType) {
    return list(
        List.of(new ColumnarMapInBatchExec(function, output, planLater(child), barrier, evalType)));
  }

  private static boolean isColumnar(LogicalPlan plan) {
    if (plan instanceof PythonMapInArrow map) {
      return isColumnar(map.child());
    }
    if (plan instanceof MapInPandas map) {
      return isColumnar(map.child());
    }
    return plan instanceof DataSourceV2ScanRelation relation
        && TensorFlowTables.isInference(relation.scan());
  }

  private static <T> Seq<T> list(List<T> elements) {
    return JavaConverters.asScalaBuffer(elements).toList();
  }
}
