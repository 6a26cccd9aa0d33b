package io.tensorarrow.spark.source.wrapped;

import static org.assertj.core.api.Assertions.assertThat;

import io.tensorarrow.spark.metrics.ModelBatchesMetric;
import io.tensorarrow.spark.testing.ChildJvm;
import io.tensorarrow.spark.testing.SparkTestBase;
import io.tensorarrow.spark.testing.TestModels;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.DataFrameReader;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ReaderBatchSizeTest extends SparkTestBase {
  /** Of one image of 96 x 96 x 3 floats. */
  private static final int PIXELS = 96 * 96 * 3;

  @TempDir Path dir;

  private String write(String format, int rows, String x) {
    String path = dir.resolve(format).toString();
    spark().range(0, rows, 1, 1).selectExpr("id", x + " as x").write().format(format).save(path);
    return path;
  }

  private DataFrameReader reader(String format, Path model) {
    return spark()
        .read()
        .format("tensorflow")
        .option("source", format)
        .option("model", model.toString());
  }

  /** Returns the calls of the model over all the table, each of rows of one of the batches. */
  private static long calls(Dataset<Row> scored) {
    Dataset<Row> query = scored.select("total");
    query.collectAsList();
    return metric(query, ModelBatchesMetric.NAME);
  }

  /**
   * A row counts 64 * 64 * 64 elements, with their levels 3 MiB of floats: 10 of them are a batch
   * of the reader, and a batch of at least half a call is not joined with others.
   */
  @ParameterizedTest
  @CsvSource({
    // The reader's batches of 10 rows are three calls each, one of 96 rows is 24.
    "parquet, 4, 4096, 29",
    "orc, 4, 4096, 29",
    // No smaller than a call, no larger than the session wants.
    "parquet, 48, 4096, 2",
    "orc, 48, 4096, 2",
    // Batches of less than half a call are gathered.
    "parquet, 48, 10, 2",
    "orc, 48, 10, 2",
    "parquet, 96, 4096, 1",
  })
  void batchRowsFitTheInputs(String format, int batchRows, int mostRows, int calls) {
    Path model = TestModels.totals(dir, -1, -1, -1);
    String path = write(format, 96, "array(array(array(cast(id as float))))");
    String key = "spark.sql." + format + ".columnarReaderBatchSize";
    spark().conf().set(key, mostRows);
    try {
      Dataset<Row> scored = reader(format, model).option("batchRows", batchRows).load(path);
      assertThat(calls(scored)).isEqualTo(calls);
      assertThat(scored.where("total <> id").count()).isZero();
    } finally {
      spark().conf().unset(key);
    }
  }

  /** Of doubles that feed floats 8 rows are a batch. */
  @ParameterizedTest
  @ValueSource(strings = {"parquet", "orc"})
  void columnTypeDeterminesBatchRows(String format) {
    Path model = TestModels.totals(dir, -1, -1, -1);
    String path = write(format, 96, "array(array(array(cast(id as double))))");

    assertThat(calls(reader(format, model).option("batchRows", 7).load(path))).isEqualTo(24);
  }

  @ParameterizedTest
  @ValueSource(strings = {"parquet", "orc"})
  void narrowRowsKeepTheDefaultBatchRows(String format) {
    Path model = TestModels.totals(dir, 2);
    String path = write(format, 6000, "array(1f, 2f)");

    assertThat(calls(reader(format, model).option("batchRows", 4096).load(path))).isEqualTo(2);
  }

  @Test
  void batchRowsAreUnchangedIfNoModelRuns() {
    Path model = TestModels.totals(dir, PIXELS);
    String path = write("parquet", 5000, "array(1f)");
    Dataset<Row> query = reader("parquet", model).load(path).select("x");

    assertThat(query.count()).isEqualTo(5000);
    assertThat(metric(query, ModelBatchesMetric.NAME)).isZero();
  }

  /** One batch of the reader with all the images would be larger than the heap. */
  @ParameterizedTest
  @CsvSource({"parquet, 400", "orc, 1200"})
  void imagesAreReadWithASmallHeap(String format, int rows)
      throws IOException, InterruptedException {
    Path model = TestModels.totals(dir, 96, 96, 3);
    String path = write(format, rows, "array_repeat(cast(id % 7 as float), " + PIXELS + ")");

    List<String> options = new ArrayList<>(List.of("-Xmx256m", "-XX:TieredStopAtLevel=1"));
    ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
        .filter(option -> option.startsWith("--add-opens") || option.startsWith("-D"))
        .forEach(options::add);
    ChildJvm.Result result = ChildJvm.run(options, Totals.class, format, model.toString(), path);
    assertThat(result.exitCode()).as(result.output()).isZero();
    assertThat(result.output()).contains(rows + " rows, 0 wrong");
  }

  /** Reads a table with the model's outputs in a JVM of its own. */
  static final class Totals {
    private Totals() {}

    public static void main(String[] args) {
      try (SparkSession spark =
          SparkSession.builder()
              .master("local[1]")
              .config("spark.ui.enabled", false)
              // Spark wants more than that, but needs none of it here.
              .config("spark.testing.memory", 1L << 30)
              .getOrCreate()) {
        Row sums =
            spark
                .read()
                .format("tensorflow")
                .option("source", args[0])
                .option("model", args[1])
                .option("batchRows", 16)
                .load(args[2])
                .selectExpr("count(*)", "count_if(total <> id % 7 * " + PIXELS + ")")
                .first();
        System.out.println(sums.getLong(0) + " rows, " + sums.getLong(1) + " wrong");
      }
    }
  }
}
