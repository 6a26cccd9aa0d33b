package io.tensorarrow.examples;

import static org.apache.spark.sql.functions.array_max;
import static org.apache.spark.sql.functions.avg;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.count;
import static org.apache.spark.sql.functions.round;

import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/**
 * Reads handwritten digits with a TensorFlow model, by Spark's own DataFrame API alone: the
 * connector is needed on the class path, not for compiling.
 *
 * <p>{@code examples/run java} starts it. By hand, from the repository's root:
 *
 * <pre>
 * spark-submit --jars CONNECTOR_JAR --class io.tensorarrow.examples.DigitsJob EXAMPLES_JAR
 * </pre>
 */
public final class DigitsJob {

  private static final String MODEL = "examples/models/digits";
  private static final String DATA = "examples/data/digits.parquet";

  private DigitsJob() {}

  /**
   * Runs the job.
   *
   * @param arguments none
   */
  public static void main(String[] arguments) {
    try (SparkSession spark = SparkSession.builder().appName("digits").getOrCreate()) {
      System.out.println("\n" + DATA + " with the outputs of " + MODEL + " as columns");
      Dataset<Row> scored = spark.read().format("tensorflow").option("model", MODEL).load(DATA);
      scored.printSchema();

      // The model never saw the images of the split "test". The filter runs before the model, so
      // only these are scored.
      Dataset<Row> test = scored.where("split = 'test'");

      System.out.println("Predictions beside the true labels");
      Column certainty = round(array_max(col("probabilities")), 4).as("certainty");
      test.select(col("id"), col("label"), col("digit"), certainty).show(10);

      System.out.println("Accuracy by digit, on images the model was not trained with");
      Column right = col("digit").equalTo(col("label")).cast("int");
      test.groupBy("label")
          .agg(count("*").as("images"), round(avg(right), 4).as("accuracy"))
          .orderBy("label")
          .show();

      System.out.println("What the scan does");
      test.select("id", "digit").explain();
    }
  }
}
