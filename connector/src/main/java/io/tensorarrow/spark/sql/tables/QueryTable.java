package io.tensorarrow.spark.sql.tables;

import io.tensorarrow.spark.source.wrapped.PlannedTable;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.connector.catalog.MetadataColumn;
import org.apache.spark.sql.connector.catalog.SupportsMetadataColumns;
import org.apache.spark.sql.connector.read.ScanBuilder;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.util.CaseInsensitiveStringMap;

/**
 * A model over rows that have a plan, as Spark sees it until {@link PlanQueryTables} replaces it.
 */
sealed interface QueryTable extends PlannedTable, SupportsMetadataColumns
    permits FileQueryTable, PlainQueryTable {
  /** Returns the read that this table stands for, always the same. */
  QueryRead read();

  /** Gives the session that plans a query the planner rules of this connector. */
  void registerPlanner();

  @Override
  default String name() {
    return "tensorflow " + read().name();
  }

  @Override
  default LogicalPlan rows() {
    return read().rows();
  }

  @Override
  default MetadataColumn[] metadataColumns() {
    return read().metadataColumns().stream().map(Hidden::new).toArray(MetadataColumn[]::new);
  }

  @Override
  default ScanBuilder newScanBuilder(CaseInsensitiveStringMap options) {
    registerPlanner();
    return () -> new QueryScan(read().schema());
  }

  /** A metadata column of the rows' own relation. */
  record Hidden(Attribute column) implements MetadataColumn {
    @Override
    public String name() {
      return column.name();
    }

    @Override
    public DataType dataType() {
      return column.dataType();
    }

    @Override
    public boolean isNullable() {
      return column.nullable();
    }
  }
}
