package io.tensorarrow.spark.source;

import io.tensorarrow.spark.inference.InferenceSpec;
import java.io.Serializable;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;
import org.jspecify.annotations.Nullable;

/**
 * What a read does with the batches of the wrapped scan, worked out on the driver and sent to the
 * executors. Two equal plans over equal batches give equal rows: Spark reuses an exchange by this
 * equality, so that a model does not run twice in a self join.
 *
 * @param sourceSchema the columns of the wrapped scan's batches
 * @param metadata the fields of {@code _metadata} to add behind those, or null
 * @param readSchema the columns of the result
 * @param spec what to run; computes only outputs that the read schema holds
 * @param filter the filters to evaluate before the model, bound to {@link #inputSchema}, or null
 * @param limit the most rows of a partition, or null for all
 */
record ReadPlan(
    StructType sourceSchema,
    @Nullable StructField metadata,
    StructType readSchema,
    InferenceSpec spec,
    @Nullable Expression filter,
    @Nullable Integer limit)
    implements Serializable {
  /** Returns the columns of the batches that filters and model see. */
  StructType inputSchema() {
    return inputSchema(sourceSchema, metadata);
  }

  /** Returns the most rows of a partition. */
  int maxRows() {
    return limit == null ? Integer.MAX_VALUE : limit;
  }

  /** Returns the columns of a source's batches with those of {@code _metadata} to add, if any. */
  static StructType inputSchema(StructType sourceSchema, @Nullable StructField metadata) {
    return metadata == null ? sourceSchema : sourceSchema.add(metadata);
  }
}
