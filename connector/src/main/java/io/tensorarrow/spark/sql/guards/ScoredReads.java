package io.tensorarrow.spark.sql.guards;

import io.tensorarrow.spark.source.wrapped.PlannedTable;
import io.tensorarrow.spark.sql.execution.InferenceExec;
import io.tensorarrow.spark.sql.tables.QueryTableRead;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.apache.spark.sql.catalyst.catalog.HiveTableRelation;
import org.apache.spark.sql.catalyst.plans.QueryPlan;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.connector.catalog.Table;
import org.apache.spark.sql.execution.FileSourceScanExec;
import org.apache.spark.sql.execution.ReusedSubqueryExec;
import org.apache.spark.sql.execution.adaptive.AdaptiveSparkPlanExec;
import org.apache.spark.sql.execution.adaptive.LogicalQueryStage;
import org.apache.spark.sql.execution.adaptive.QueryStageExec;
import org.apache.spark.sql.execution.columnar.InMemoryRelation;
import org.apache.spark.sql.execution.datasources.FileIndex;
import org.apache.spark.sql.execution.datasources.HadoopFsRelation;
import org.apache.spark.sql.execution.datasources.LogicalRelation;
import org.apache.spark.sql.execution.datasources.v2.BatchScanExec;
import org.apache.spark.sql.execution.datasources.v2.DataSourceV2Relation;
import org.apache.spark.sql.execution.datasources.v2.DataSourceV2ScanRelation;
import org.apache.spark.sql.execution.exchange.ReusedExchangeExec;
import scala.collection.JavaConverters;
import scala.collection.Seq;

/** Finds what our tables read in a plan, wherever the plan keeps them. */
final class ScoredReads {
  /**
   * A plan to look at.
   *
   * @param table the name of our table whose rows' plan it belongs to, if any
   */
  private record Visit(QueryPlan<?> plan, Optional<String> table) {}

  private final Deque<Visit> waiting = new ArrayDeque<>();
  // By identity: plans compare by value, which takes long.
  private final Set<Object> seen = Collections.newSetFromMap(new IdentityHashMap<>());
  private final List<ScoredRead> reads = new ArrayList<>();

  /** What is cached of our tables shows neither them nor the relations of their rows. */
  private final List<FileIndex> cachedFiles = new ArrayList<>();

  private boolean runsModel;

  private ScoredReads() {}

  /**
   * Returns what a plan reads through tables of this data source: itself, in subqueries and in what
   * is cached.
   */
  static List<ScoredRead> of(LogicalPlan plan) {
    ScoredReads reads = new ScoredReads();
    reads.add(List.of(plan), Optional.empty());
    while (!reads.waiting.isEmpty()) {
      reads.visit(reads.waiting.remove());
    }
    if (reads.runsModel) {
      reads.cachedFiles.forEach(
          files -> reads.reads.add(ScoredRead.through("cached predictions", files)));
    }
    return List.copyOf(reads.reads);
  }

  private void add(Collection<? extends QueryPlan<?>> plans, Optional<String> table) {
    plans.stream().filter(seen::add).map(plan -> new Visit(plan, table)).forEach(waiting::add);
  }

  private void visit(Visit visit) {
    QueryPlan<?> plan = visit.plan();
    table(plan).filter(seen::add).ifPresent(table -> addTable(table, visit.table()));
    visit.table().ifPresent(name -> addFiles(plan, name));
    if (plan instanceof FileSourceScanExec scan) {
      cachedFiles.add(scan.relation().location());
    }
    runsModel |= plan instanceof InferenceExec;
    add(behind(plan), visit.table());
    add(list(plan.children()), visit.table());
    add(list(plan.innerChildren()), visit.table());
    // Inner children, too, unless a node has others in their place.
    add(list(plan.subqueries()), visit.table());
  }

  private void addTable(Table table, Optional<String> through) {
    if (table instanceof PlannedTable planned) {
      add(List.of(planned.rows()), Optional.of(table.name()));
      return;
    }
    ScoredRead.of(table)
        .or(() -> through.map(name -> ScoredRead.through(name, table)))
        .ifPresent(reads::add);
  }

  private void addFiles(QueryPlan<?> plan, String table) {
    if (plan instanceof LogicalRelation relation
        && relation.relation() instanceof HadoopFsRelation files) {
      reads.add(ScoredRead.through(table, files.location()));
    }
    if (plan instanceof HiveTableRelation relation) {
      reads.add(ScoredRead.through(table, relation.tableMeta()));
    }
  }

  private static Optional<Table> table(QueryPlan<?> plan) {
    if (plan instanceof DataSourceV2Relation relation) {
      return Optional.of(relation.table());
    }
    if (plan instanceof DataSourceV2ScanRelation relation) {
      return Optional.of(relation.relation().table());
    }
    if (plan instanceof QueryTableRead read) {
      return Optional.ofNullable(read.table());
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
