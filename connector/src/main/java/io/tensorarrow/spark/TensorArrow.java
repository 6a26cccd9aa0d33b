package io.tensorarrow.spark;

import io.tensorarrow.spark.sql.functions.PredictFunctions;
import java.util.Map;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/** Runs models over Datasets, for Java and Scala. Thread-safe; on the driver, no native code. */
public final class TensorArrow {
  private TensorArrow() {}

  /**
   * Adds the outputs of a model to a Dataset. The model runs in the executors, as part of the
   * Dataset's own query.
   *
   * @param dataset the rows; its columns feed the model and stay beside the outputs
   * @param model the SavedModel's directory, or a directory of numbered versions
   * @param options options of the data source for the model and its batches, such as {@code
   *     inputs}, {@code outputs}, {@code signature} and {@code batchRows}
   * @return the Dataset with one column behind its own for each output, with the metadata of its
   *     tensor
   * @throws io.tensorarrow.spark.errors.TensorArrowException if model, signature, options and
   *     columns do not fit, or an output has the name of a column
   */
  public static Dataset<Row> predict(
      Dataset<?> dataset, String model, Map<String, String> options) {
    register(dataset.sparkSession());
    return PredictFunctions.predicted(dataset.toDF(), model, options);
  }

  /**
   * Gives a session the SQL functions and planner rules of this connector. Sessions that have used
   * the data source {@code tensorflow}, or that were made while this connector was on the class
   * path, have them already.
   */
  public static void register(SparkSession session) {
    SessionRules.register(session);
  }
}
