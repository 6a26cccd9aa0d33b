package io.tensorarrow.spark.sql.tables;

import io.tensorarrow.spark.columnar.ScalaLists;
import io.tensorarrow.spark.source.PerQuery;
import io.tensorarrow.spark.sql.BatchesAcrossFiles;
import io.tensorarrow.spark.sql.Calls;
import io.tensorarrow.spark.sql.Predict;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.InputFileName;
import org.apache.spark.sql.catalyst.expressions.NamedExpression;
import org.apache.spark.sql.catalyst.optimizer.CollapseProject$;
import org.apache.spark.sql.catalyst.plans.logical.Filter;
import org.apache.spark.sql.catalyst.plans.logical.LocalLimit;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.Project;
import org.apache.spark.sql.catalyst.rules.Rule;
import org.apache.spark.sql.catalyst.trees.TreePattern;
import org.apache.spark.sql.execution.datasources.v2.DataSourceV2ScanRelation;

/**
 * Puts the plan of the rows, with a call of the model over it, in the place of each read of a
 * {@link QueryTable}. The projections, filters and limits directly above a read are optimised
 * together with the plan, so that they reach the rows' own sources.
 *
 * <p>Stateless; Spark calls it in the thread that plans.
 */
public final class PlanQueryTables extends Rule<LogicalPlan> {
  @Override
  public LogicalPlan apply(LogicalPlan plan) {
    return plan.exists(PlanQueryTables::isRead)
        ? planned(plan, BatchesAcrossFiles.isFileAskedFor(plan))
        : plan;
  }

  /** Returns whether a node reads a table that is to be replaced. */
  static boolean isRead(LogicalPlan node) {
    return node instanceof DataSourceV2ScanRelation relation
        && relation.scan() instanceof QueryScan scan
        && scan.failure().isEmpty();
  }

  /**
   * Returns a plan with the rows' own plans in it.
   *
   * @param byFile whether the query asks which file a row is from
   */
  static LogicalPlan planned(LogicalPlan node, boolean byFile) {
    Optional<DataSourceV2ScanRelation> read = readBelow(node);
    if (read.isPresent()) {
      return replaced(node, read.get(), byFile);
    }
    return Calls.withChildren(
        node, Calls.children(node).stream().map(child -> planned(child, byFile)).toList());
  }

  /** Returns the read that a node is over, with nothing between that could not be moved. */
  static Optional<DataSourceV2ScanRelation> readBelow(LogicalPlan node) {
    LogicalPlan plan = node;
    while ((plan instanceof Project || plan instanceof Filter || plan instanceof LocalLimit)
        && !refersToCte(plan)) {
      plan = Calls.children(plan).get(0);
    }
    return isRead(plan) ? Optional.of((DataSourceV2ScanRelation) plan) : Optional.empty();
  }

  /**
   * Returns whether a node has a subquery over a CTE, whose definition is elsewhere in the query.
   */
  private static boolean refersToCte(LogicalPlan node) {
    return Calls.expressions(node).stream().anyMatch(e -> e.containsPattern(TreePattern.CTE()));
  }

  private static LogicalPlan replaced(
      LogicalPlan chain, DataSourceV2ScanRelation read, boolean byFile) {
    QueryTable table = (QueryTable) read.relation().table();
    PerQuery.Lookup<Predict> call = table.read().call();
    if (call.failure().isPresent()) {
      QueryScan failing = new QueryScan(read.scan().readSchema(), call.failure());
      return withRead(
          chain,
          new DataSourceV2ScanRelation(
              read.relation(),
              failing,
              read.output(),
              read.keyGroupedPartitioning(),
              read.ordering()));
    }
    LogicalPlan plan =
        withRead(
            chain,
            new Project(
                ScalaLists.of(new ArrayList<NamedExpression>(Calls.output(read))),
                table.read().plan(read.relation(), call.value())));
    LogicalPlan optimized =
        SparkSession.active().sessionState().optimizer().execute(byFile ? withFile(plan) : plan);
    QueryTableRead marked = new QueryTableRead(table, withColumns(Calls.output(plan), optimized));
    // Spark takes the two nodes of a LIMIT for one that need not read all partitions.
    return chain instanceof LocalLimit limit ? new LocalLimit(limit.limitExpr(), marked) : marked;
  }

  private static LogicalPlan withRead(LogicalPlan chain, LogicalPlan read) {
    return isRead(chain)
        ? read
        : Calls.withChildren(chain, List.of(withRead(Calls.children(chain).get(0), read)));
  }

  /** Asks for the file of each row, so that batches are cut by file. */
  private static LogicalPlan withFile(LogicalPlan plan) {
    List<NamedExpression> columns = new ArrayList<>(Calls.output(plan));
    columns.add(Calls.alias(new InputFileName(), "file"));
    return new Project(ScalaLists.of(columns), plan);
  }

  /**
   * Returns a plan's first columns under the identities that the rest of the query knows them by:
   * the optimizer takes aliases at the top for redundant.
   */
  private static LogicalPlan withColumns(List<Attribute> columns, LogicalPlan plan) {
    List<Attribute> output = Calls.output(plan);
    List<NamedExpression> named = new ArrayList<>();
    for (int i = 0; i < columns.size(); i++) {
      named.add(
          output.get(i).exprId().equals(columns.get(i).exprId())
              ? output.get(i)
              : QueryRead.as(columns.get(i), output.get(i)));
    }
    return named.equals(output)
        ? plan
        : CollapseProject$.MODULE$.apply(new Project(ScalaLists.of(named), plan));
  }
}
