package io.tensorarrow.spark.source;

import io.tensorarrow.spark.inference.InferenceSpec;
import java.io.Serializable;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
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
 * @param acrossFiles whether a batch may hold rows of several files, since nobody asks for the file
 */
record ReadPlan(
    StructType sourceSchema,
    @Nullable StructField metadata,
    StructType readSchema,
    InferenceSpec spec,
    @Nullable Expression filter,
    @Nullable Integer limit,
    boolean acrossFiles)
    implements Serializable {
  /** Returns the plan whose batches may hold rows of several files. */
  ReadPlan withBatchesAcrossFiles() {
    return new ReadPlan(sourceSchema, metadata, readSchema, spec, filter, limit, true);
  }

  /** Returns the columns of the batches that filters and model see. */
  StructType inputSchema() {
    return inputSchema(sourceSchema, metadata);
  }

  /** Returns which of those columns the model or the result needs; others are for filters only. */
  int[] keptColumns() {
    Set<String> kept = new HashSet<>(List.of(readSchema.fieldNames()));
    if (spec.runsModel()) {
      spec.inputs().forEach(input -> kept.add(input.column().parts().get(0)));
    }
    StructType input = inputSchema();
    return IntStream.range(0, input.size())
        .filter(i -> kept.contains(input.apply(i).name()))
        .toArray();
  }

  /** Returns the columns of {@link #keptColumns}. */
  StructType keptSchema() {
    StructType input = inputSchema();
    return new StructType(
        IntStream.of(keptColumns()).mapToObj(input::apply).toArray(StructField[]::new));
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
