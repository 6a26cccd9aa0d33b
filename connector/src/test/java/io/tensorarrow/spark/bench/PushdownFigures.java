package io.tensorarrow.spark.bench;

import static org.assertj.core.api.Assertions.assertThat;

import io.tensorarrow.spark.metrics.RowsInferredMetric;
import io.tensorarrow.spark.model.ExecutorModelCache;
import io.tensorarrow.spark.model.ExecutorModelSettings;
import io.tensorarrow.spark.model.ModelCache;
import io.tensorarrow.spark.model.ModelLease;
import io.tensorarrow.spark.model.ModelReference;
import io.tensorarrow.spark.model.eager.EagerCall;
import io.tensorarrow.spark.model.eager.ModelSettings;
import io.tensorarrow.spark.model.savedmodel.SavedModelFile;
import io.tensorarrow.spark.options.CastMode;
import io.tensorarrow.spark.tensor.NativeTensor;
import io.tensorarrow.spark.tensor.feed.ColumnFeeder;
import io.tensorarrow.spark.tensor.vector.RowSelection;
import io.tensorarrow.spark.testing.SparkTestBase;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.execution.vectorized.OnHeapColumnVector;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.DataTypes;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Figures of the documentation's page on benchmarks, over the digits model of the examples. Not a
 * test: it asserts no time, and the build does not run it.
 *
 * <pre>{@code mvn -B -ntp -Pfast -pl connector test -Dtest=PushdownFigures}</pre>
 */
class PushdownFigures extends SparkTestBase {
  private static final Path MODEL = Path.of("..", "examples", "models", "digits").toAbsolutePath();
  private static final int ROWS = 204_800;
  private static final int BATCH = 1024;
  private static final int ROUNDS = 9;

  @TempDir Path dir;
  private String table = "";

  @BeforeEach
  void writeTable() {
    table = dir.resolve("rows").toString();
    spark()
        .range(0, ROWS, 1, 1)
        .selectExpr(
            "id",
            "concat('n', id % 1000) as name",
            "transform(sequence(0, 63), i -> cast((id * 31 + i * 7) % 17 as float)) as pixels")
        .write()
        .parquet(table);
  }

  private Dataset<Row> scored() {
    return spark()
        .read()
        .format("tensorflow")
        .option("model", MODEL.toString())
        .option("batchRows", BATCH)
        .load(table);
  }

  @Test
  void rowsThatReachTheModel() {
    report("all rows", scored().select("digit"));
    report("where id >= 204700", scored().where("id >= 204700").select("digit"));
    report("where name like 'n%77'", scored().where("name like 'n%77'").select("digit"));
    report("limit 100", scored().select("digit").limit(100));
    report("count(*)", scored().groupBy().count());
    report("max(id)", scored().selectExpr("max(id)"));
  }

  private static void report(String query, Dataset<Row> rows) {
    assertThat(rows.collectAsList()).isNotEmpty();
    System.out.printf(
        "rows run through the model: %-24s %7d of %d%n",
        query, metric(rows, RowsInferredMetric.NAME), ROWS);
  }

  @Test
  void dataSourceOverheadOverPlainCalls() {
    SavedModelFile file = SavedModelFile.read(MODEL);
    ModelReference model =
        new ModelReference(MODEL.normalize().toString(), file.fingerprint(), List.of("serve"));
    ModelCache cache =
        ExecutorModelCache.get(
            new ExecutorModelSettings(8, Long.MAX_VALUE, Duration.ofMinutes(10), Optional.empty()));
    int threads = Runtime.getRuntime().availableProcessors();
    double[] overLoop = new double[ROUNDS - 1];
    double[] overSum = new double[ROUNDS - 1];
    try (ModelLease lease = cache.acquire(model, new ModelSettings(threads));
        EagerCall call = lease.newCall("serving_default", List.of("digit", "probabilities"));
        NativeTensor pixels = batchOfPixels(call)) {
      for (int round = 0; round < ROUNDS; round++) {
        long loop = time(() -> plainLoop(call, pixels));
        long read = time(() -> drain(spark().read().parquet(table).select("pixels")));
        long source = time(() -> drain(scored().select("digit", "probabilities")));
        System.out.printf(
            "round %d: plain loop %d ms, reading alone %d ms, data source %d ms%n",
            round, loop / 1_000_000, read / 1_000_000, source / 1_000_000);
        if (round > 0) {
          overLoop[round - 1] = (double) source / loop;
          overSum[round - 1] = (double) source / (loop + read);
        }
      }
    }
    System.out.println("data source / plain loop: " + spread(overLoop));
    System.out.println("data source / (plain loop + reading alone): " + spread(overSum));
  }

  private static void drain(Dataset<Row> rows) {
    rows.write().format("noop").mode("overwrite").save();
  }

  private static void plainLoop(EagerCall call, NativeTensor pixels) {
    for (int from = 0; from < ROWS; from += BATCH) {
      call.run(List.of(pixels)).forEach(NativeTensor::close);
    }
  }

  /** Returns one batch of pixels, owned by the caller. */
  private static NativeTensor batchOfPixels(EagerCall call) {
    ArrayType type = DataTypes.createArrayType(DataTypes.FloatType, false);
    try (OnHeapColumnVector pixels = new OnHeapColumnVector(BATCH, type)) {
      for (int row = 0; row < BATCH; row++) {
        pixels.putArray(row, row * 64, 64);
        for (int i = 0; i < 64; i++) {
          pixels.arrayData().appendFloat((row * 31 + i * 7) % 17);
        }
      }
      return ColumnFeeder.create(call.feeds().get(0), "pixels", type, CastMode.SAFE)
          .feed(pixels, RowSelection.range(0, BATCH));
    }
  }

  private static long time(Runnable work) {
    long start = System.nanoTime();
    work.run();
    return System.nanoTime() - start;
  }

  private static String spread(double[] ratios) {
    double[] sorted = ratios.clone();
    Arrays.sort(sorted);
    return "median %.2f (%.2f to %.2f) of %d rounds"
        .formatted(sorted[sorted.length / 2], sorted[0], sorted[sorted.length - 1], sorted.length);
  }
}
