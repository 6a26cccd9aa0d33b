package io.tensorarrow.spark.source.variables;

import io.tensorarrow.spark.model.variables.ModelVariable;
import java.util.List;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.connector.read.LocalScan;
import org.apache.spark.sql.types.StructType;

/**
 * What the driver knows of variables; Spark takes it into the plan, and no file is read.
 *
 * @param columns all but the elements
 * @param variables one row each
 */
record VariablesListing(List<VariableColumn> columns, List<ModelVariable> variables)
    implements LocalScan {
  @Override
  public StructType readSchema() {
    return VariableColumn.schema(columns);
  }

  @Override
  public InternalRow[] rows() {
    return variables.stream()
        .map(variable -> VariableColumn.row(columns, variable, VariablesListing::noElements))
        .toArray(InternalRow[]::new);
  }

  private static byte[] noElements() {
    throw new IllegalStateException("elements are read on executors");
  }

  @Override
  public String description() {
    return "VariablesListing";
  }
}
