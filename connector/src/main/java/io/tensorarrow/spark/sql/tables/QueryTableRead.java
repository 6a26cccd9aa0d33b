package io.tensorarrow.spark.sql.tables;

import io.tensorarrow.spark.columnar.ScalaLists;
import io.tensorarrow.spark.source.wrapped.PlannedTable;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.Statistics;
import org.jspecify.annotations.Nullable;
import scala.Option;
import scala.collection.IndexedSeq;
import scala.collection.Seq;

/**
 * Says that a plan stands for a read of a table, so that a command which would delete what it reads
 * is still recognised. Planned as its child alone. Immutable; on the driver.
 */
public final class QueryTableRead extends LogicalPlan {
  private static final long serialVersionUID = 1;

  private final transient @Nullable PlannedTable table;
  private final LogicalPlan child;

  /**
   * Creates a node; Spark calls this, too, by reflection.
   *
   * @param table what was read
   * @param child the plan in its place
   */
  public QueryTableRead(@Nullable PlannedTable table, LogicalPlan child) {
    this.table = table;
    this.child = child;
  }

  /** Returns what was read; null in a copy that was sent elsewhere. */
  public @Nullable PlannedTable table() {
    return table;
  }

  /** Returns the plan in its place. */
  public LogicalPlan child() {
    return child;
  }

  @Override
  public Seq<Attribute> output() {
    return child.output();
  }

  @Override
  public Option<Object> maxRows() {
    return child.maxRows();
  }

  @Override
  public Statistics stats() {
    return child.stats();
  }

  @Override
  public Seq<LogicalPlan> children() {
    return ScalaLists.of(child);
  }

  @Override
  public LogicalPlan withNewChildrenInternal(IndexedSeq<LogicalPlan> children) {
    return new QueryTableRead(table, children.apply(0));
  }

  @Override
  public int productArity() {
    return 2;
  }

  @Override
  public Object productElement(int n) {
    return n == 0 ? (table == null ? "" : table) : child;
  }

  @Override
  public boolean canEqual(Object other) {
    return other instanceof QueryTableRead;
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return this == other || (other instanceof QueryTableRead that && child.equals(that.child));
  }

  @Override
  public int hashCode() {
    return child.hashCode();
  }
}
