package io.tensorarrow.spark.python;

import org.apache.spark.SparkContext;
import org.apache.spark.sql.execution.metric.SQLMetric;
import org.apache.spark.sql.execution.metric.SQLMetrics;
import scala.Tuple2;
import scala.collection.immutable.Map;

/** The metrics of Python nodes: Spark's own, under its names. */
final class PythonMetrics {
  /** Spark's runner adds to it what it reads itself. */
  static final String SENT = "pythonDataSent";

  static final String RECEIVED = "pythonDataReceived";
  static final String ROWS = "pythonNumRowsReceived";

  private PythonMetrics() {}

  static Map<String, SQLMetric> create(SparkContext context) {
    return scala.collection.immutable.Map$.MODULE$
        .<String, SQLMetric>empty()
        .$plus(
            new Tuple2<>(
                SENT, SQLMetrics.createSizeMetric(context, "data sent to Python workers", -1)))
        .$plus(
            new Tuple2<>(
                RECEIVED,
                SQLMetrics.createSizeMetric(context, "data returned from Python workers", -1)))
        .$plus(new Tuple2<>(ROWS, SQLMetrics.createMetric(context, "number of output rows")));
  }
}
