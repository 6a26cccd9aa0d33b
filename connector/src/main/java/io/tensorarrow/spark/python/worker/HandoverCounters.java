package io.tensorarrow.spark.python.worker;

import io.tensorarrow.spark.python.shm.InlineReason;
import io.tensorarrow.spark.python.shm.SegmentLease;
import org.apache.spark.sql.execution.metric.SQLMetric;
import scala.collection.immutable.Map;

/** Counts how batches got to the worker, in the node's metrics. */
final class HandoverCounters {
  private final SQLMetric sharedBatches;
  private final SQLMetric sharedBytes;
  private final SQLMetric inlineBatches;
  private final SQLMetric inlineBytes;
  private final SQLMetric arrowBatches;
  private final Map<String, SQLMetric> metrics;
  private final SQLMetric createdSegments;
  private final SQLMetric reusedSegments;
  private final SQLMetric convertedBytes;
  private final SQLMetric widenedBytes;
  private final SQLMetric inPlaceSentBytes;
  private final SQLMetric inPlaceReturnedBytes;
  private final SQLMetric inPlaceCopiedBytes;
  private final SQLMetric waitNanos;

  HandoverCounters(Map<String, SQLMetric> metrics) {
    this.sharedBatches = metrics.apply(PythonMetrics.SHARED_BATCHES);
    this.sharedBytes = metrics.apply(PythonMetrics.SHARED_BYTES);
    this.inlineBatches = metrics.apply(PythonMetrics.INLINE_BATCHES);
    this.inlineBytes = metrics.apply(PythonMetrics.INLINE_BYTES);
    this.arrowBatches = metrics.apply(PythonMetrics.ARROW_BATCHES);
    this.metrics = metrics;
    this.createdSegments = metrics.apply(PythonMetrics.CREATED_SEGMENTS);
    this.reusedSegments = metrics.apply(PythonMetrics.REUSED_SEGMENTS);
    this.convertedBytes = metrics.apply(PythonMetrics.CONVERTED_BYTES);
    this.widenedBytes = metrics.apply(PythonMetrics.WIDENED_BYTES);
    this.inPlaceSentBytes = metrics.apply(PythonMetrics.IN_PLACE_SENT_BYTES);
    this.inPlaceReturnedBytes = metrics.apply(PythonMetrics.IN_PLACE_RETURNED_BYTES);
    this.inPlaceCopiedBytes = metrics.apply(PythonMetrics.IN_PLACE_COPIED_BYTES);
    this.waitNanos = metrics.apply(PythonMetrics.WAIT);
  }

  void shared(long bytes) {
    sharedBatches.add(1);
    sharedBytes.add(bytes);
  }

  void inlined(long bytes) {
    inlineBatches.add(1);
    inlineBytes.add(bytes);
  }

  /** Counts a batch in transfer mode {@code arrow}. */
  void plain() {
    arrowBatches.add(1);
  }

  /** Counts why a batch goes inline that is not small. */
  void unshared(InlineReason why) {
    metrics.apply(PythonMetrics.of(why)).add(1);
  }

  void leased(SegmentLease lease) {
    (lease.isFirst() ? createdSegments : reusedSegments).add(1);
  }

  void converted(long bytes) {
    convertedBytes.add(bytes);
  }

  /** Counts the bytes of tensors that a worker widens to Spark's types. */
  void widened(long bytes) {
    widenedBytes.add(bytes);
  }

  /** Counts a tensor that was copied into a segment of its own. */
  void sharedInPlace(long bytes) {
    sharedBytes.add(bytes);
    inPlaceSentBytes.add(bytes);
  }

  /** Counts a tensor that a function returned where it lay. */
  void keptInPlace(long bytes) {
    inPlaceReturnedBytes.add(bytes);
  }

  /** Counts tensors that had to be copied because somebody might change them later. */
  void separated(long bytes) {
    inPlaceCopiedBytes.add(bytes);
  }

  void waited(long nanos) {
    waitNanos.add(nanos);
  }
}
