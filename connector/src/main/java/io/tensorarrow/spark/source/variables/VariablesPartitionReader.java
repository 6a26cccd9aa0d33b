package io.tensorarrow.spark.source.variables;

import io.tensorarrow.spark.model.variables.ModelVariable;
import io.tensorarrow.spark.model.variables.VariableReader;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.connector.read.PartitionReader;
import org.jspecify.annotations.Nullable;

/** Reads one variable after the other; only the current one is in memory. */
final class VariablesPartitionReader implements PartitionReader<InternalRow> {
  private final VariableReader reader;
  private final List<VariableColumn> columns;
  private final Iterator<ModelVariable> variables;
  private @Nullable InternalRow row;

  /** Takes over a reader, which is closed with this one. */
  VariablesPartitionReader(
      VariableReader reader, List<VariableColumn> columns, List<ModelVariable> variables) {
    this.reader = reader;
    this.columns = columns;
    this.variables = variables.iterator();
  }

  @Override
  public boolean next() {
    row = null;
    if (!variables.hasNext()) {
      return false;
    }
    ModelVariable variable = variables.next();
    row = VariableColumn.row(columns, variable, () -> reader.read(variable));
    return true;
  }

  @Override
  public InternalRow get() {
    InternalRow current = row;
    if (current == null) {
      throw new NoSuchElementException();
    }
    return current;
  }

  @Override
  public void close() {
    reader.close();
  }
}
