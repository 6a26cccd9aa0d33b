package io.tensorarrow.spark.source;

import com.esotericsoftware.kryo.DefaultSerializer;
import com.esotericsoftware.kryo.serializers.JavaSerializer;
import org.apache.spark.sql.connector.read.InputPartition;

/**
 * A partition of the wrapped source, as it is.
 *
 * @param source the wrapped source's partition
 * @param columnar whether the source reads it in columns, asked on the driver
 */
// Kryo can't read the fields of records.
@DefaultSerializer(JavaSerializer.class)
record InferencePartition(InputPartition source, boolean columnar) implements InputPartition {
  @Override
  public String[] preferredLocations() {
    return source.preferredLocations();
  }
}
