package io.tensorarrow.spark.source.variables;

import com.esotericsoftware.kryo.DefaultSerializer;
import com.esotericsoftware.kryo.serializers.JavaSerializer;
import io.tensorarrow.spark.model.variables.ModelVariable;
import java.util.List;
import org.apache.spark.sql.connector.read.InputPartition;

/**
 * What one task reads.
 *
 * @param variables which, in the order in which the checkpoint holds them
 */
// Kryo can't read the fields of records.
@DefaultSerializer(JavaSerializer.class)
record VariablesPartition(List<ModelVariable> variables) implements InputPartition {
  /** Copies the list. */
  VariablesPartition {
    variables = List.copyOf(variables);
  }
}
