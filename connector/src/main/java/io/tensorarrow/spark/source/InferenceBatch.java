package io.tensorarrow.spark.source;

import io.tensorarrow.spark.source.wrapped.ReaderBatchSize;
import java.util.Arrays;
import java.util.Optional;
import org.apache.spark.sql.connector.read.Batch;
import org.apache.spark.sql.connector.read.InputPartition;
import org.apache.spark.sql.connector.read.PartitionReaderFactory;
import org.apache.spark.sql.connector.read.Scan;
import org.jspecify.annotations.Nullable;

/**
 * The physical side of a planned read. Two of them are equal if they read equal batches of the
 * source by equal plans.
 */
final class InferenceBatch implements Batch {
  private final Scan scan;
  private final Batch source;
  private final ReadPlan plan;
  private final Optional<Exception> failure;

  /**
   * @param scan the wrapped scan
   * @param plan what to do with its batches
   * @param failure what planning the partitions throws, if anything
   */
  InferenceBatch(Scan scan, ReadPlan plan, Optional<Exception> failure) {
    this.scan = scan;
    this.source = scan.toBatch();
    this.plan = plan;
    this.failure = failure;
  }

  @Override
  public InputPartition[] planInputPartitions() {
    if (failure.isPresent()) {
      PerQuery.<RuntimeException>rethrow(failure.get());
    }
    // Asked here because a factory may answer it on the driver only (ORC's reads the session's
    // conf).
    PartitionReaderFactory factory = source.createReaderFactory();
    return Arrays.stream(source.planInputPartitions())
        .map(partition -> new InferencePartition(partition, isColumnar(factory, partition)))
        .toArray(InputPartition[]::new);
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
        ReaderBatchSize.bounded(source.createReaderFactory(), plan.spec(), plan.sourceSchema()),
        plan);
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof InferenceBatch that
        && source.equals(that.source)
        && plan.equals(that.plan)
        && failure.equals(that.failure);
  }

  @Override
  public int hashCode() {
    return plan.hashCode();
  }
}
