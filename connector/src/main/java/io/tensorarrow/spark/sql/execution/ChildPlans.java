package io.tensorarrow.spark.sql.execution;

import io.tensorarrow.spark.columnar.ColumnarFilterExec;
import io.tensorarrow.spark.columnar.ColumnarLocalLimitExec;
import io.tensorarrow.spark.columnar.ColumnarProjectExec;
import io.tensorarrow.spark.columnar.RowFilter;
import java.util.Optional;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.execution.ColumnarToRowExec;
import org.apache.spark.sql.execution.FilterExec;
import org.apache.spark.sql.execution.LocalLimitExec;
import org.apache.spark.sql.execution.ProjectExec;
import org.apache.spark.sql.execution.RowToColumnarExec;
import org.apache.spark.sql.execution.SparkPlan;
import scala.collection.JavaConverters;

/** How the plan below an inference feeds it: in columns where it can, else by its own rows. */
final class ChildPlans {
  private ChildPlans() {}

  /** Returns the plan to feed from, given the one that Spark made columnar. */
  static SparkPlan fed(SparkPlan child) {
    if (child instanceof RowToColumnarExec rows) {
      return columnar(rows.child()).orElse(rows.child());
    }
    return child;
  }

  /** Returns the same plan without rows, if it only chooses among columns and rows of batches. */
  private static Optional<SparkPlan> columnar(SparkPlan plan) {
    if (plan instanceof ColumnarToRowExec batches) {
      return Optional.of(batches.child());
    }
    if (plan instanceof ProjectExec project
        && JavaConverters.seqAsJavaList(project.projectList()).stream()
            .allMatch(column -> ColumnarProjectExec.isColumn((Expression) column))) {
      return columnar(project.child())
          .map(child -> new ColumnarProjectExec(project.projectList(), child));
    }
    if (plan instanceof FilterExec filter && RowFilter.canEvaluate(filter.condition())) {
      return columnar(filter.child())
          .map(child -> new ColumnarFilterExec(filter.condition(), child));
    }
    return plan instanceof LocalLimitExec limit
        ? columnar(limit.child()).map(child -> new ColumnarLocalLimitExec(limit.limit(), child))
        : Optional.empty();
  }
}
