package io.tensorarrow.spark.source.variables;

import com.esotericsoftware.kryo.DefaultSerializer;
import com.esotericsoftware.kryo.serializers.JavaSerializer;
import io.tensorarrow.spark.model.store.ModelAccess;
import io.tensorarrow.spark.model.variables.VariableReader;
import java.util.List;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.connector.read.InputPartition;
import org.apache.spark.sql.connector.read.PartitionReader;
import org.apache.spark.sql.connector.read.PartitionReaderFactory;

/**
 * Makes readers of variables on an executor.
 *
 * @param directory where the model is
 * @param access how this host gets at its files
 * @param columns what the rows hold
 */
// Kryo can't read the fields of records.
@DefaultSerializer(JavaSerializer.class)
record VariablesReaderFactory(String directory, ModelAccess access, List<VariableColumn> columns)
    implements PartitionReaderFactory {
  @Override
  public PartitionReader<InternalRow> createReader(InputPartition partition) {
    return new VariablesPartitionReader(
        VariableReader.open(directory, access),
        columns,
        ((VariablesPartition) partition).variables());
  }
}
