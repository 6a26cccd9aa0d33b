package io.tensorarrow.spark.source;

import org.apache.spark.sql.connector.read.InputPartition;

/**
 * A partition of the wrapped source, as it is.
 *
 * @param source the wrapped source's partition
 * @param columnar whether the source reads it in columns, asked on the driver
 */
record InferencePartition(InputPartition source, boolean columnar) implements InputPartition {
  @Override
  public String[] preferredLocations() {
    return source.preferredLocations();
  }
}
