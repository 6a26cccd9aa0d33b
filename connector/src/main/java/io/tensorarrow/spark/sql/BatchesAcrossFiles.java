package io.tensorarrow.spark.sql;

import io.tensorarrow.spark.source.TensorScan;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.InputFileBlockLength;
import org.apache.spark.sql.catalyst.expressions.InputFileBlockStart;
import org.apache.spark.sql.catalyst.expressions.InputFileName;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.rules.Rule;
import org.apache.spark.sql.execution.datasources.v2.DataSourceV2ScanRelation;

/**
 * Lets batches with a model's outputs hold rows of several files, where the query does not ask
 * which file a row is from: {@code input_file_name()} is asked for batches as a whole. Batches that
 * are cut by file are views of the tensors, which Python functions get as copies.
 *
 * <p>Stateless; Spark calls it in the thread that plans, after {@link ExtractPredictions}.
 */
public final class BatchesAcrossFiles extends Rule<LogicalPlan> {
  @Override
  public LogicalPlan apply(LogicalPlan plan) {
    return !plan.exists(BatchesAcrossFiles::isCut) || isFileAskedFor(plan)
        ? plan
        : acrossFiles(plan);
  }

  /** Returns whether a query asks which file a row is from. */
  public static boolean isFileAskedFor(LogicalPlan plan) {
    return plan.exists(BatchesAcrossFiles::asksForFile);
  }

  private static boolean isCut(LogicalPlan node) {
    return node instanceof Inference inference
        ? !inference.isAcrossFiles()
        : node instanceof DataSourceV2ScanRelation relation
            && relation.scan() instanceof TensorScan scan
            && !scan.isAcrossFiles();
  }

  private static boolean asksForFile(LogicalPlan node) {
    return Calls.expressions(node).stream()
        .anyMatch(expression -> expression.find(BatchesAcrossFiles::isOfFile).isDefined());
  }

  private static boolean isOfFile(Expression e) {
    return e instanceof InputFileName
        || e instanceof InputFileBlockStart
        || e instanceof InputFileBlockLength;
  }

  private static LogicalPlan acrossFiles(LogicalPlan plan) {
    LogicalPlan node =
        Calls.withChildren(
            plan, Calls.children(plan).stream().map(BatchesAcrossFiles::acrossFiles).toList());
    if (node instanceof Inference inference) {
      return inference.acrossFiles();
    }
    return node instanceof DataSourceV2ScanRelation relation
            && relation.scan() instanceof TensorScan scan
        ? new DataSourceV2ScanRelation(
            relation.relation(),
            scan.acrossFiles(),
            relation.output(),
            relation.keyGroupedPartitioning(),
            relation.ordering())
        : node;
  }
}
