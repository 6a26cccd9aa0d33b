package io.tensorarrow.spark.sql;

import io.tensorarrow.spark.source.TensorFlowTables;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Collections;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.apache.spark.sql.catalyst.plans.QueryPlan;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.connector.catalog.Table;
import org.apache.spark.sql.execution.ReusedSubqueryExec;
import org.apache.spark.sql.execution.adaptive.AdaptiveSparkPlanExec;
import org.apache.spark.sql.execution.adaptive.LogicalQueryStage;
import org.apache.spark.sql.execution.adaptive.QueryStageExec;
import org.apache.spark.sql.execution.columnar.InMemoryRelation;
import org.apache.spark.sql.execution.datasources.v2.BatchScanExec;
import org.apache.spark.sql.execution.datasources.v2.DataSourceV2Relation;
import org.apache.spark.sql.execution.datasources.v2.DataSourceV2ScanRelation;
import org.apache.spark.sql.execution.exchange.ReusedExchangeExec;
import scala.collection.JavaConverters;
import scala.collection.Seq;

/** Finds our tables in a plan, wherever the plan keeps them. */
final class ScoredReads {
  private final Deque<QueryPlan<?>> waiting = new ArrayDeque<>();
  // By identity: plans compare by value, which takes long.
  private final Set<QueryPlan<?>> seen = Collections.newSetFromMap(new IdentityHashMap<>());
  private final Set<Table> tables = Collections.newSetFromMap(new IdentityHashMap<>());

  private ScoredReads() {}

  /**
   * Returns the tables of this data source that a plan reads: itself, in subqueries and in what is
   * cached.
   */
  static List<Table> of(LogicalPlan plan) {
    ScoredReads reads = new ScoredReads();
    reads.add(List.of(plan));
    while (!reads.waiting.isEmpty()) {
      reads.visit(reads.waiting.remove());
    }
    return List.copyOf(reads.tables);
  }

  private void add(Collection<? extends QueryPlan<?>> plans) {
    plans.stream().filter(seen::add).forEach(waiting::add);
  }

  private void visit(QueryPlan<?> plan) {
    table(plan).filter(t -> TensorFlowTables.wrapped(t).isPresent()).ifPresent(tables::add);
    add(behind(plan));
    add(list(plan.children()));
    add(list(plan.innerChildren()));
    // Inner children, too, unless a node has others in their place.
    add(list(plan.subqueries()));
  }

  private static Optional<Table> table(QueryPlan<?> plan) {
    if (plan instanceof DataSourceV2Relation relation) {
      return Optional.of(relation.table());
    }
    if (plan instanceof DataSourceV2ScanRelation relation) {
      return Optional.of(relation.relation().table());
    }
    // The table is transient.
    return plan instanceof BatchScanExec scan
        ? Optional.ofNullable(scan.table())
        : Optional.empty();
  }

  /** Returns the plans that a leaf stands for. */
  private static List<? extends QueryPlan<?>> behind(QueryPlan<?> plan) {
    if (plan instanceof InMemoryRelation cached) {
      return List.of(cached.cacheBuilder().cachedPlan());
    }
    if (plan instanceof LogicalQueryStage stage) {
      return List.of(stage.logicalPlan(), stage.physicalPlan());
    }
    if (plan instanceof AdaptiveSparkPlanExec adaptive) {
      return List.of(adaptive.inputPlan(), adaptive.initialPlan(), adaptive.executedPlan());
    }
    if (plan instanceof QueryStageExec stage) {
      return List.of(stage.plan());
    }
    if (plan instanceof ReusedExchangeExec reused) {
      return List.of(reused.child());
    }
    return plan instanceof ReusedSubqueryExec reused ? List.of(reused.child()) : List.of();
  }

  @SuppressWarnings("unchecked")
  private static List<QueryPlan<?>> list(Seq<?> plans) {
    return (List<QueryPlan<?>>) JavaConverters.seqAsJavaList(plans);
  }
}
