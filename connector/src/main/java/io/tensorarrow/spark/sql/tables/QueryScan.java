package io.tensorarrow.spark.sql.tables;

import static io.tensorarrow.spark.errors.TensorArrowException.cannot;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.source.PerQuery;
import java.util.Optional;
import org.apache.spark.sql.connector.read.Batch;
import org.apache.spark.sql.connector.read.InputPartition;
import org.apache.spark.sql.connector.read.PartitionReaderFactory;
import org.apache.spark.sql.connector.read.Scan;
import org.apache.spark.sql.types.StructType;

/**
 * The scan of a table that has no reader: it stays in a plan only where the model could not be
 * found for the query, and fails when the query runs.
 *
 * @param readSchema the table's columns
 * @param failure what the query is to fail with; empty in a plan that is still to be replaced
 */
record QueryScan(StructType readSchema, Optional<Exception> failure) implements Scan, Batch {
  /** Creates a scan that is to be replaced. */
  QueryScan(StructType readSchema) {
    this(readSchema, Optional.empty());
  }

  @Override
  public Batch toBatch() {
    return this;
  }

  /** Returns {@code UNSUPPORTED}, so that Spark asks for partitions only when the query runs. */
  @Override
  public ColumnarSupportMode columnarSupportMode() {
    return ColumnarSupportMode.UNSUPPORTED;
  }

  @Override
  public InputPartition[] planInputPartitions() {
    if (failure.isPresent()) {
      PerQuery.<RuntimeException>rethrow(failure.get());
    }
    throw noReader();
  }

  @Override
  public PartitionReaderFactory createReaderFactory() {
    throw noReader();
  }

  private static RuntimeException noReader() {
    return cannot(ErrorCode.TA_UNSUPPORTED, "read a table or query in this session")
        .found("a session without the planner rules of this connector")
        .expected("TensorArrow.register(session), or the query run once more");
  }
}
