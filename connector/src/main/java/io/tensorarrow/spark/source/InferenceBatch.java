package io.tensorarrow.spark.source;

import io.tensorarrow.spark.inference.InferenceSpec;
import io.tensorarrow.spark.source.wrapped.ReaderBatchSize;
import java.util.Arrays;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.connector.read.Batch;
import org.apache.spark.sql.connector.read.InputPartition;
import org.apache.spark.sql.connector.read.PartitionReaderFactory;
import org.apache.spark.sql.connector.read.Scan;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;
import org.jspecify.annotations.Nullable;

/**
 * The physical side of a planned read. Two of them are equal if they give equal rows: Spark
 * compares them to reuse an exchange, so that a model does not run twice in a self join.
 */
final class InferenceBatch implements Batch {
  private final Scan scan;
  private final Batch source;
  private final InferenceSpec spec;
  private final StructType readSchema;
  private final Optional<StructField> metadata;
  private final Optional<Expression> filter;
  private final OptionalInt limit;
  private final Optional<Exception> failure;

  /**
   * @param scan the wrapped scan
   * @param source its batch
   * @param spec what to run
   * @param readSchema the columns of the result
   * @param metadata the fields of {@code _metadata} to add to what the wrapped scan reads
   * @param filter the residual filters, bound to the wrapped scan's schema with {@code metadata}
   * @param limit the most rows of a partition
   * @param failure what planning the partitions throws, if anything
   */
  InferenceBatch(
      Scan scan,
      Batch source,
      InferenceSpec spec,
      StructType readSchema,
      Optional<StructField> metadata,
      Optional<Expression> filter,
      OptionalInt limit,
      Optional<Exception> failure) {
    this.failure = failure;
    this.scan = scan;
    this.source = source;
    this.spec = spec;
    this.readSchema = readSchema;
    this.metadata = metadata;
    this.filter = filter;
    this.limit = limit;
  }

  /** Returns the columns of the batches that filters and model see. */
  static StructType withMetadata(StructType source, Optional<StructField> metadata) {
    return metadata.map(source::add).orElse(source);
  }

  @Override
  public InputPartition[] planInputPartitions() {
    if (failure.isPresent()) {
      InferenceBatch.<RuntimeException>rethrow(failure.get());
    }
    // Asked here because a factory may answer it on the driver only (ORC's reads the session's
    // conf).
    PartitionReaderFactory factory = source.createReaderFactory();
    return Arrays.stream(source.planInputPartitions())
        .map(partition -> new InferencePartition(partition, isColumnar(factory, partition)))
        .toArray(InputPartition[]::new);
  }

  /** Throws an exception as it is, also a checked one: Scala's callers declare none. */
  @SuppressWarnings("unchecked")
  private static <E extends Exception> void rethrow(Exception e) throws E {
    throw (E) e;
  }

  private boolean isColumnar(PartitionReaderFactory factory, InputPartition partition) {
    return switch (scan.columnarSupportMode()) {
      case SUPPORTED -> true;
      case UNSUPPORTED -> false;
      case PARTITION_DEFINED -> factory.supportColumnarReads(partition);
    };
  }

  @Override
  public PartitionReaderFactory createReaderFactory() {
    return new InferenceReaderFactory(
        ReaderBatchSize.bounded(source.createReaderFactory(), spec, scan.readSchema()),
        scan.readSchema(),
        metadata.orElse(null),
        readSchema,
        spec,
        filter.orElse(null),
        limit.orElse(Integer.MAX_VALUE));
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof InferenceBatch that
        && source.equals(that.source)
        && spec.equals(that.spec)
        && readSchema.equals(that.readSchema)
        && metadata.equals(that.metadata)
        && filter.equals(that.filter)
        && limit.equals(that.limit)
        && failure.equals(that.failure);
  }

  @Override
  public int hashCode() {
    return Objects.hash(spec, readSchema, limit);
  }
}
