package io.tensorarrow.spark.source;

import io.tensorarrow.spark.model.ModelVariable;
import java.util.List;
import org.apache.spark.sql.connector.read.InputPartition;

/**
 * What one task reads.
 *
 * @param variables which, in the order in which the checkpoint holds them
 */
record VariablesPartition(List<ModelVariable> variables) implements InputPartition {
  /** Copies the list. */
  VariablesPartition {
    variables = List.copyOf(variables);
  }
}
