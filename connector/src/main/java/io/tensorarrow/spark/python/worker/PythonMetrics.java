package io.tensorarrow.spark.python.worker;

import org.apache.spark.SparkContext;
import org.apache.spark.sql.execution.metric.SQLMetric;
import scala.Tuple2;
import scala.collection.immutable.Map;

/** Creates the metrics of Python nodes, by their keys, as Spark's nodes and runners expect them. */
public final class PythonMetrics {
  private PythonMetrics() {}

  public static Map<String, SQLMetric> create(SparkContext context) {
    Map<String, SQLMetric> metrics = scala.collection.immutable.Map$.MODULE$.empty();
    for (HandoverMetric metric : HandoverMetric.values()) {
      metrics = metrics.$plus(new Tuple2<>(metric.key(), metric.create(context)));
    }
    return metrics;
  }
}
