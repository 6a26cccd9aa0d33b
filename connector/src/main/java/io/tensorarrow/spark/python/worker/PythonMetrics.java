package io.tensorarrow.spark.python.worker;

import io.tensorarrow.spark.python.shm.InlineReason;
import java.util.LinkedHashMap;
import org.apache.spark.SparkContext;
import org.apache.spark.sql.execution.metric.SQLMetric;
import org.apache.spark.sql.execution.metric.SQLMetrics;
import scala.Tuple2;
import scala.collection.immutable.Map;

/** The metrics of Python nodes: Spark's own, under its names, and how batches were handed over. */
public final class PythonMetrics {
  static final String SENT = "pythonDataSent";
  static final String RECEIVED = "pythonDataReceived";
  static final String ROWS = "pythonNumRowsReceived";
  static final String SHARED_BATCHES = "sharedBatches";
  static final String SHARED_BYTES = "sharedBytes";
  static final String INLINE_BATCHES = "inlineBatches";
  static final String INLINE_BYTES = "inlineBytes";
  static final String NO_SHARED_MEMORY = "inlineBatchesNoSharedMemory";
  static final String POOL_EXHAUSTED = "inlineBatchesPoolExhausted";
  static final String DIRECTORY_FULL = "inlineBatchesDirectoryFull";
  static final String ARROW_BATCHES = "arrowBatches";
  static final String CREATED_SEGMENTS = "createdSegments";
  static final String REUSED_SEGMENTS = "reusedSegments";
  static final String CONVERTED_BYTES = "convertedBytes";
  static final String WIDENED_BYTES = "widenedBytes";
  static final String IN_PLACE_SENT_BYTES = "inPlaceSentBytes";
  static final String IN_PLACE_RETURNED_BYTES = "inPlaceReturnedBytes";
  static final String IN_PLACE_COPIED_BYTES = "inPlaceCopiedBytes";
  static final String WAIT = "handoverWaitTime";

  private PythonMetrics() {}

  /** Returns the name of the metric that counts batches that went inline for a reason. */
  static String of(InlineReason why) {
    return switch (why) {
      case NO_SHARED_MEMORY -> NO_SHARED_MEMORY;
      case POOL_EXHAUSTED -> POOL_EXHAUSTED;
      case DIRECTORY_FULL -> DIRECTORY_FULL;
    };
  }

  public static Map<String, SQLMetric> create(SparkContext context) {
    LinkedHashMap<String, SQLMetric> metrics = new LinkedHashMap<>();
    metrics.put(SENT, SQLMetrics.createSizeMetric(context, "data sent to Python workers", -1));
    metrics.put(
        RECEIVED, SQLMetrics.createSizeMetric(context, "data returned from Python workers", -1));
    metrics.put(ROWS, SQLMetrics.createMetric(context, "number of output rows"));
    metrics.put(SHARED_BATCHES, SQLMetrics.createMetric(context, "batches through shared memory"));
    metrics.put(
        SHARED_BYTES, SQLMetrics.createSizeMetric(context, "bytes copied into shared memory", -1));
    metrics.put(
        INLINE_BATCHES,
        SQLMetrics.createMetric(context, "inline batches (sent through the socket)"));
    metrics.put(INLINE_BYTES, SQLMetrics.createSizeMetric(context, "bytes of inline batches", -1));
    metrics.put(
        NO_SHARED_MEMORY, SQLMetrics.createMetric(context, "inline batches: no shared memory"));
    metrics.put(POOL_EXHAUSTED, SQLMetrics.createMetric(context, "inline batches: pool exhausted"));
    metrics.put(
        DIRECTORY_FULL,
        SQLMetrics.createMetric(context, "inline batches: shared memory directory full"));
    metrics.put(ARROW_BATCHES, SQLMetrics.createMetric(context, "batches in transfer mode arrow"));
    metrics.put(CREATED_SEGMENTS, SQLMetrics.createMetric(context, "segments created"));
    metrics.put(REUSED_SEGMENTS, SQLMetrics.createMetric(context, "segments reused"));
    metrics.put(
        CONVERTED_BYTES,
        SQLMetrics.createSizeMetric(context, "bytes of columns converted to Arrow", -1));
    metrics.put(
        WIDENED_BYTES,
        SQLMetrics.createSizeMetric(context, "bytes of tensors widened by workers", -1));
    metrics.put(
        IN_PLACE_SENT_BYTES,
        SQLMetrics.createSizeMetric(context, "bytes sent to be changed in place", -1));
    metrics.put(
        IN_PLACE_RETURNED_BYTES,
        SQLMetrics.createSizeMetric(context, "bytes returned in place", -1));
    metrics.put(
        IN_PLACE_COPIED_BYTES,
        SQLMetrics.createSizeMetric(
            context, "bytes of changed tensors copied because views of them were kept", -1));
    metrics.put(
        WAIT,
        SQLMetrics.createNanoTimingMetric(context, "time that batches waited for a worker", -1));
    Map<String, SQLMetric> result = scala.collection.immutable.Map$.MODULE$.empty();
    for (var metric : metrics.entrySet()) {
      result = result.$plus(new Tuple2<>(metric.getKey(), metric.getValue()));
    }
    return result;
  }
}
