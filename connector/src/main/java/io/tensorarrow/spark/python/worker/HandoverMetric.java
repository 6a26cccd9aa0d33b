package io.tensorarrow.spark.python.worker;

import io.tensorarrow.spark.python.shm.InlineReason;
import org.apache.spark.SparkContext;
import org.apache.spark.sql.execution.metric.SQLMetric;
import org.apache.spark.sql.execution.metric.SQLMetrics;

/**
 * The metrics of Python nodes, declared once: the first three are Spark's own, under its keys. The
 * reference of metrics is generated from these constants.
 */
enum HandoverMetric {
  SENT_BYTES("pythonDataSent", Unit.BYTES, "data sent to Python workers"),
  RECEIVED_BYTES("pythonDataReceived", Unit.BYTES, "data returned from Python workers"),
  RECEIVED_ROWS("pythonNumRowsReceived", Unit.COUNT, "number of output rows"),
  SHARED_BATCHES("sharedBatches", Unit.COUNT, "batches through shared memory"),
  SHARED_BYTES("sharedBytes", Unit.BYTES, "bytes copied into shared memory"),
  INLINE_BATCHES("inlineBatches", Unit.COUNT, "inline batches (sent through the socket)"),
  INLINE_BYTES("inlineBytes", Unit.BYTES, "bytes of inline batches"),
  INLINE_NO_SHARED_MEMORY(
      "inlineBatchesNoSharedMemory", Unit.COUNT, "inline batches: no shared memory"),
  INLINE_POOL_EXHAUSTED("inlineBatchesPoolExhausted", Unit.COUNT, "inline batches: pool exhausted"),
  INLINE_DIRECTORY_FULL(
      "inlineBatchesDirectoryFull", Unit.COUNT, "inline batches: shared memory directory full"),
  ARROW_BATCHES("arrowBatches", Unit.COUNT, "batches in transfer mode arrow"),
  CREATED_SEGMENTS("createdSegments", Unit.COUNT, "segments created"),
  REUSED_SEGMENTS("reusedSegments", Unit.COUNT, "segments reused"),
  CONVERTED_BYTES("convertedBytes", Unit.BYTES, "bytes of columns converted to Arrow"),
  WIDENED_BYTES("widenedBytes", Unit.BYTES, "bytes of tensors widened by workers"),
  IN_PLACE_SENT_BYTES("inPlaceSentBytes", Unit.BYTES, "bytes sent to be changed in place"),
  IN_PLACE_RETURNED_BYTES("inPlaceReturnedBytes", Unit.BYTES, "bytes returned in place"),
  IN_PLACE_COPIED_BYTES(
      "inPlaceCopiedBytes",
      Unit.BYTES,
      "bytes of changed tensors copied because views of them were kept"),
  WAIT_TIME("handoverWaitTime", Unit.TIME, "time that batches waited for a worker");

  /** What a metric counts, which decides how the SQL tab shows it. */
  enum Unit {
    COUNT,
    BYTES,
    /** Nanoseconds; the SQL tab shows larger units. */
    TIME
  }

  private final String key;
  private final Unit unit;
  private final String description;

  HandoverMetric(String key, Unit unit, String description) {
    this.key = key;
    this.unit = unit;
    this.description = description;
  }

  /** Returns the metric that counts batches that went through the socket for a reason. */
  static HandoverMetric of(InlineReason reason) {
    return switch (reason) {
      case NO_SHARED_MEMORY -> INLINE_NO_SHARED_MEMORY;
      case POOL_EXHAUSTED -> INLINE_POOL_EXHAUSTED;
      case DIRECTORY_FULL -> INLINE_DIRECTORY_FULL;
    };
  }

  /** Returns the metric's key in a plan node. */
  String key() {
    return key;
  }

  Unit unit() {
    return unit;
  }

  /** Returns what the SQL tab shows. */
  String description() {
    return description;
  }

  /** Returns the version of the connector in which it came. */
  String since() {
    return "0.1.0";
  }

  SQLMetric create(SparkContext context) {
    // Starting at -1 keeps tasks that add nothing out of minimum and median.
    return switch (unit) {
      case COUNT -> SQLMetrics.createMetric(context, description);
      case BYTES -> SQLMetrics.createSizeMetric(context, description, -1);
      case TIME -> SQLMetrics.createNanoTimingMetric(context, description, -1);
    };
  }
}
