package io.tensorarrow.spark.source.variables;

import io.tensorarrow.spark.model.store.ModelAccess;
import io.tensorarrow.spark.model.store.ModelName;
import io.tensorarrow.spark.model.variables.ModelVariable;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.connector.read.Batch;
import org.apache.spark.sql.connector.read.InputPartition;
import org.apache.spark.sql.connector.read.PartitionReaderFactory;
import org.apache.spark.sql.connector.read.Scan;
import org.apache.spark.sql.types.StructType;

/**
 * Variables with their elements, read on the executors.
 *
 * @param directory where the model is
 * @param access how an executor gets at its files
 * @param columns with the elements
 * @param variables which, in the order in which the checkpoint holds them
 */
record VariablesScan(
    String directory,
    ModelAccess access,
    List<VariableColumn> columns,
    List<ModelVariable> variables)
    implements Scan, Batch {
  /** How much one task reads, unless a single variable is larger. */
  static final long PARTITION_BYTES = 64 << 20;

  @Override
  public StructType readSchema() {
    return VariableColumn.schema(columns);
  }

  @Override
  public String description() {
    return "VariablesScan " + ModelName.of(directory) + " " + variables.size() + " variables";
  }

  @Override
  public String toString() {
    return description();
  }

  @Override
  public Batch toBatch() {
    return this;
  }

  @Override
  public InputPartition[] planInputPartitions() {
    List<InputPartition> partitions = new ArrayList<>();
    List<ModelVariable> range = new ArrayList<>();
    long bytes = 0;
    for (ModelVariable variable : variables) {
      if (bytes > 0 && bytes + variable.size() > PARTITION_BYTES) {
        partitions.add(new VariablesPartition(range));
        range = new ArrayList<>();
        bytes = 0;
      }
      range.add(variable);
      bytes += variable.size();
    }
    if (!range.isEmpty()) {
      partitions.add(new VariablesPartition(range));
    }
    return partitions.toArray(new InputPartition[0]);
  }

  @Override
  public PartitionReaderFactory createReaderFactory() {
    return new VariablesReaderFactory(directory, access, columns);
  }
}
