package io.tensorarrow.spark.python.worker;

import io.tensorarrow.spark.python.shm.InlineReason;
import io.tensorarrow.spark.python.shm.SegmentLease;
import java.util.EnumMap;
import java.util.Objects;
import org.apache.spark.sql.execution.metric.SQLMetric;
import scala.collection.immutable.Map;

/** Counts how batches got to the worker and back, in the node's metrics. */
final class HandoverCounters {
  private final EnumMap<HandoverMetric, SQLMetric> metrics = new EnumMap<>(HandoverMetric.class);

  /**
   * @param nodeMetrics the metrics of the plan node, by their keys
   */
  HandoverCounters(Map<String, SQLMetric> nodeMetrics) {
    for (HandoverMetric metric : HandoverMetric.values()) {
      metrics.put(metric, nodeMetrics.apply(metric.key()));
    }
  }

  private void add(HandoverMetric metric, long amount) {
    Objects.requireNonNull(metrics.get(metric)).add(amount);
  }

  /** Counts bytes written to the worker's socket. */
  void sent(long bytes) {
    add(HandoverMetric.SENT_BYTES, bytes);
  }

  /** Counts bytes read from the worker's socket. */
  void received(long bytes) {
    add(HandoverMetric.RECEIVED_BYTES, bytes);
  }

  void receivedRows(long rows) {
    add(HandoverMetric.RECEIVED_ROWS, rows);
  }

  /** Counts a batch that went through shared memory. */
  void shared(long bytes) {
    add(HandoverMetric.SHARED_BATCHES, 1);
    add(HandoverMetric.SHARED_BYTES, bytes);
  }

  /** Counts a batch that went through the socket in transfer mode {@code shared-memory}. */
  void inlined(long bytes) {
    add(HandoverMetric.INLINE_BATCHES, 1);
    add(HandoverMetric.INLINE_BYTES, bytes);
  }

  /** Counts a batch in transfer mode {@code arrow}. */
  void arrow() {
    add(HandoverMetric.ARROW_BATCHES, 1);
  }

  /** Counts why a batch goes inline that is not small. */
  void notShared(InlineReason reason) {
    add(HandoverMetric.of(reason), 1);
  }

  /** Counts a segment, created or reused. */
  void leased(SegmentLease lease) {
    add(lease.isFirst() ? HandoverMetric.CREATED_SEGMENTS : HandoverMetric.REUSED_SEGMENTS, 1);
  }

  void converted(long bytes) {
    add(HandoverMetric.CONVERTED_BYTES, bytes);
  }

  /** Counts the bytes of tensors that a worker widens to Spark's types. */
  void widened(long bytes) {
    add(HandoverMetric.WIDENED_BYTES, bytes);
  }

  /** Counts a tensor that was copied into a segment of its own, to be changed in place. */
  void sentInPlace(long bytes) {
    add(HandoverMetric.SHARED_BYTES, bytes);
    add(HandoverMetric.IN_PLACE_SENT_BYTES, bytes);
  }

  /** Counts a tensor that a function returned in the segment in which it was sent. */
  void returnedInPlace(long bytes) {
    add(HandoverMetric.IN_PLACE_RETURNED_BYTES, bytes);
  }

  /** Counts changed tensors that the worker had to copy because views of them were kept. */
  void copiedInPlace(long bytes) {
    add(HandoverMetric.IN_PLACE_COPIED_BYTES, bytes);
  }

  void waited(long nanos) {
    add(HandoverMetric.WAIT_TIME, nanos);
  }
}
