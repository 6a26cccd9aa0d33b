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
  static final String POOL_USED_UP = "inlineBatchesPoolUsedUp";
  static final String DIRECTORY_FULL = "inlineBatchesDirectoryFull";
  static final String ARROW_BATCHES = "arrowBatches";
  static final String CREATED_SEGMENTS = "createdSegments";
  static final String REUSED_SEGMENTS = "reusedSegments";
  static final String CONVERTED_BYTES = "convertedBytes";
  static final String WIDENED_BYTES = "widenedBytes";
  static final String IN_PLACE_BYTES = "inPlaceBytes";
  static final String KEPT_IN_PLACE_BYTES = "keptInPlaceBytes";
  static final String SEPARATED_BYTES = "separatedBytes";
  static final String WAIT = "handoverWait";

  private PythonMetrics() {}

  /** Returns the name of the metric that counts batches that went inline for a reason. */
  static String of(InlineReason why) {
    return switch (why) {
      case NO_SHARED_MEMORY -> NO_SHARED_MEMORY;
      case POOL_USED_UP -> POOL_USED_UP;
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
        SQLMetrics.createMetric(
            context, "batches in the socket, small ones and all that found no segment"));
    metrics.put(
        INLINE_BYTES, SQLMetrics.createSizeMetric(context, "bytes of batches in the socket", -1));
    metrics.put(
        NO_SHARED_MEMORY,
        SQLMetrics.createMetric(context, "of these, no shared memory on the executor"));
    metrics.put(
        POOL_USED_UP,
        SQLMetrics.createMetric(context, "of these, the segments' bytes were used up"));
    metrics.put(
        DIRECTORY_FULL,
        SQLMetrics.createMetric(context, "of these, the segments' directory was full"));
    metrics.put(ARROW_BATCHES, SQLMetrics.createMetric(context, "batches of the tier arrow"));
    metrics.put(CREATED_SEGMENTS, SQLMetrics.createMetric(context, "segments created"));
    metrics.put(REUSED_SEGMENTS, SQLMetrics.createMetric(context, "segments reused"));
    metrics.put(
        CONVERTED_BYTES,
        SQLMetrics.createSizeMetric(context, "bytes of columns converted to Arrow", -1));
    metrics.put(
        WIDENED_BYTES,
        SQLMetrics.createSizeMetric(context, "bytes of tensors widened by workers", -1));
    metrics.put(
        IN_PLACE_BYTES,
        SQLMetrics.createSizeMetric(context, "bytes shared to be changed in place", -1));
    metrics.put(
        KEPT_IN_PLACE_BYTES, SQLMetrics.createSizeMetric(context, "bytes returned in place", -1));
    metrics.put(
        SEPARATED_BYTES,
        SQLMetrics.createSizeMetric(
            context, "bytes copied because views of changed tensors were kept", -1));
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
