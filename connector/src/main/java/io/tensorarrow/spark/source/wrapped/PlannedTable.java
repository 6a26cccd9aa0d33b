package io.tensorarrow.spark.source.wrapped;

import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.connector.catalog.SupportsRead;

/**
 * A table of this data source whose rows are those of a plan. It has no reader of its own: a
 * planner rule puts the plan in its place.
 */
public interface PlannedTable extends SupportsRead {
  /** Returns the analysed plan of the rows, without the outputs. */
  LogicalPlan rows();
}
