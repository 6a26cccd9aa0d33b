package io.tensorarrow.spark.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tensorarrow.spark.TensorArrow;
import io.tensorarrow.spark.metrics.ModelLoadTimeMetric;
import io.tensorarrow.spark.testing.FailingModels;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.spark.TaskContext;
import org.apache.spark.TaskContext$;
import org.apache.spark.TaskKilled;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerJobStart;
import org.apache.spark.scheduler.SparkListenerTaskEnd;
import org.apache.spark.scheduler.SparkListenerTaskStart;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.util.TaskCompletionListener;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import scala.collection.JavaConverters;

/** Tasks that would run TensorFlow for ever, had they not been killed. */
class KilledTaskTest extends SourceTestBase {
  private static final int GENEROUS = 30;
  private static final String GROUP = "endless";

  /** Static because the function that uses them travels to the tasks as a copy. */
  private static final CountDownLatch WAITS = new CountDownLatch(2);

  private static final CountDownLatch KILLED = new CountDownLatch(1);

  private final Tasks tasks = new Tasks();

  /** Remembers how tasks of the job group began and ended. */
  private static final class Tasks extends SparkListener {
    final Set<Integer> stages = ConcurrentHashMap.newKeySet();
    final CountDownLatch twoStarted = new CountDownLatch(2);
    final Queue<Long> started = new ConcurrentLinkedQueue<>();
    final Queue<Object> reasons = new ConcurrentLinkedQueue<>();

    @Override
    public void onJobStart(SparkListenerJobStart start) {
      if (GROUP.equals(start.properties().getProperty("spark.jobGroup.id"))) {
        JavaConverters.seqAsJavaList(start.stageIds())
            .forEach(stage -> stages.add((Integer) stage));
      }
    }

    @Override
    public void onTaskStart(SparkListenerTaskStart start) {
      if (stages.contains(start.stageId())) {
        started.add(start.taskInfo().taskId());
        twoStarted.countDown();
      }
    }

    @Override
    public void onTaskEnd(SparkListenerTaskEnd end) {
      if (stages.contains(end.stageId())) {
        reasons.add(end.reason());
      }
    }
  }

  @BeforeEach
  void listen() {
    spark().sparkContext().addSparkListener(tasks);
  }

  @AfterEach
  void listenNoMore() {
    spark().sparkContext().removeSparkListener(tasks);
  }

  private Dataset<Row> endless(Path model) {
    return spark()
        .read()
        .format("tensorflow")
        .option("model", model.toString())
        .load(table)
        .selectExpr("id", "y");
  }

  private Dataset<Row> negative(Path model) {
    Path path = dir.resolve("negative");
    spark().range(0, 2, 1, 2).selectExpr("id", "-1f as x").write().parquet(path.toString());
    return spark()
        .read()
        .format("tensorflow")
        .option("model", model.toString())
        .load(path.toString())
        .selectExpr("y");
  }

  private Dataset<Row> negativeInQuery(Path model, String place) {
    TensorArrow.register(spark());
    Dataset<Row> rows = spark().range(0, 2, 1, 2).selectExpr("id", "-1f as x");
    if (place.equals("operator over batches")) {
      rows.write().parquet(dir.resolve("negative").toString());
      rows = spark().read().parquet(dir.resolve("negative").toString());
    }
    return rows.selectExpr("tf_predict('" + model + "', x) as y");
  }

  private CompletableFuture<Void> start(Dataset<Row> query, boolean interrupt) {
    return CompletableFuture.runAsync(
        () -> {
          spark().sparkContext().setJobGroup(GROUP, "never ends by itself", interrupt);
          try {
            query.collectAsList();
          } finally {
            spark().sparkContext().clearJobGroup();
          }
        });
  }

  /** Gives the tasks time to get into TensorFlow; correct also if they are not. */
  private void awaitRunning() throws InterruptedException {
    assertThat(tasks.twoStarted.await(60, TimeUnit.SECONDS)).as("tasks started").isTrue();
    Thread.sleep(1500);
  }

  private void awaitEnds(int count) throws InterruptedException {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(GENEROUS);
    while (tasks.reasons.size() < count && System.nanoTime() < deadline) {
      Thread.sleep(20);
    }
    assertThat(tasks.reasons).as("ends of tasks").hasSizeGreaterThanOrEqualTo(count);
  }

  @ParameterizedTest
  @CsvSource({
    "false, scan",
    "true, scan",
    "false, operator over batches",
    "true, operator over rows",
  })
  void killedTasksEndAndTheModelServesOthers(boolean interrupt, String place) throws Exception {
    Path model = FailingModels.endless(dir);
    Dataset<Row> warm = endless(model);
    warm.collectAsList();
    CompletableFuture<Void> job =
        start(place.equals("scan") ? negative(model) : negativeInQuery(model, place), interrupt);
    awaitRunning();
    assertThat(job).isNotDone();

    spark().sparkContext().cancelJobGroup(GROUP);

    assertThatThrownBy(() -> job.get(GENEROUS, TimeUnit.SECONDS))
        .hasMessageContaining("cancelled job group endless");
    awaitEnds(2);
    assertThat(tasks.reasons).allMatch(reason -> reason instanceof TaskKilled);
    nothingIsLeft();

    Dataset<Row> after = endless(model);
    assertThat(after.collectAsList()).hasSize(ROWS);
    assertThat(metric(after, ModelLoadTimeMetric.NAME)).as("the model stayed loaded").isZero();
  }

  @Test
  void singleKilledAttemptEndsAsKilled() throws Exception {
    CompletableFuture<Void> job = start(negative(FailingModels.endless(dir)), false);
    awaitRunning();
    for (long task : tasks.started) {
      spark().sparkContext().killTaskAttempt(task, false, "a test");
    }
    awaitEnds(2);
    assertThat(tasks.reasons)
        .allSatisfy(
            reason -> {
              assertThat(reason).isInstanceOf(TaskKilled.class);
              assertThat(((TaskKilled) reason).reason()).isEqualTo("a test");
            });
    spark().sparkContext().cancelJobGroup(GROUP);
    assertThatThrownBy(() -> job.get(GENEROUS, TimeUnit.SECONDS))
        .hasMessageContaining("cancelled job group endless");
  }

  @Test
  void otherTasksOnTheModelContinueCorrectly() throws Exception {
    Path model = FailingModels.endless(dir);
    CompletableFuture<Void> job = start(negative(model).coalesce(1), false);
    while (tasks.started.isEmpty()) {
      Thread.sleep(10);
    }
    Dataset<Row> other = endless(model);
    for (int i = 0; i < 20; i++) {
      if (i == 10) {
        spark().sparkContext().cancelJobGroup(GROUP);
      }
      assertThat(other.collectAsList())
          .hasSize(ROWS)
          .allMatch(row -> row.getLong(0) == row.getFloat(1));
    }
    assertThatThrownBy(() -> job.get(GENEROUS, TimeUnit.SECONDS))
        .hasMessageContaining("cancelled job group endless");
    awaitEnds(1);
    assertThat(tasks.reasons).allMatch(reason -> reason instanceof TaskKilled);
  }

  @Test
  void killedTaskEndsWhileItsSourceBlocks() throws Exception {
    int openBefore = CustomSource.OPENED.get() - CustomSource.CLOSED.get();
    Dataset<Row> blocked =
        reader()
            .option("source", CustomSource.class.getName())
            .option("source.fails", "blocks")
            .load()
            .select("y");
    CompletableFuture<Void> job = start(blocked, true);
    assertThat(CustomSource.BLOCKED.await(60, TimeUnit.SECONDS)).isTrue();

    spark().sparkContext().cancelJobGroup(GROUP);

    assertThatThrownBy(() -> job.get(GENEROUS, TimeUnit.SECONDS))
        .hasMessageContaining("cancelled job group endless");
    awaitEnds(1);
    assertThat(tasks.reasons).allMatch(reason -> reason instanceof TaskKilled);
    assertThat(CustomSource.OPENED.get() - CustomSource.CLOSED.get()).isEqualTo(openBefore);
  }

  @Test
  void killedTaskEndsBetweenBatches() throws Exception {
    spark()
        .udf()
        .register(
            "waits",
            (Float y) -> {
              WAITS.countDown();
              KILLED.await();
              return y;
            },
            DataTypes.FloatType);
    CompletableFuture<Void> job =
        start(reader().option("batchRows", 1).load(table).selectExpr("waits(y)"), false);
    assertThat(WAITS.await(60, TimeUnit.SECONDS)).isTrue();

    spark().sparkContext().cancelJobGroup(GROUP);
    assertThatThrownBy(() -> job.get(GENEROUS, TimeUnit.SECONDS))
        .hasMessageContaining("cancelled job group endless");
    KILLED.countDown();

    awaitEnds(1);
    assertThat(tasks.reasons).allMatch(reason -> reason instanceof TaskKilled);
  }

  /**
   * The thread that feeds Python goes on when the task's results are complete, for instance by a
   * limit; the task waits for it then, so that its source is not closed under its hands.
   */
  @Test
  void readerThreadEndsWithItsTask() throws Exception {
    Path path = dir.resolve("mixed");
    spark()
        .range(0, 2, 1, 1)
        .selectExpr("id", "if(id = 0, 7f, -1f) as x")
        .write()
        .parquet(path.toString());
    Dataset<Row> query =
        spark()
            .read()
            .format("tensorflow")
            .option("model", FailingModels.endless(dir).toString())
            .option("batchRows", 1)
            .load(path.toString())
            .select("y");
    CompletableFuture<List<Float>> job =
        CompletableFuture.supplyAsync(
            () ->
                query.javaRDD().mapPartitions(KilledTaskTest::firstWhileAThreadReadsOn).collect());
    try {
      assertThat(job.get(GENEROUS, TimeUnit.SECONDS)).containsExactly(7f);
    } finally {
      spark().sparkContext().cancelAllJobs();
    }
  }

  private static Iterator<Float> firstWhileAThreadReadsOn(Iterator<Row> rows) throws Exception {
    assertThat(rows.hasNext()).isTrue();
    float first = rows.next().getFloat(0);
    TaskContext task = TaskContext.get();
    Thread reader =
        new Thread(
            () -> {
              TaskContext$.MODULE$.setTaskContext(task);
              boolean unused = rows.hasNext();
            });
    reader.setDaemon(true);
    reader.setUncaughtExceptionHandler((thread, e) -> {});
    reader.start();
    TaskCompletionListener wait =
        context -> {
          try {
            reader.join();
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          }
        };
    task.addTaskCompletionListener(wait);
    return List.of(first).iterator();
  }

  @Test
  void killedTaskEndsWhileTheModelLoads() throws Exception {
    CompletableFuture<Void> job = start(negative(FailingModels.endlessInitialiser(dir)), false);
    awaitRunning();

    spark().sparkContext().cancelJobGroup(GROUP);

    assertThatThrownBy(() -> job.get(GENEROUS, TimeUnit.SECONDS))
        .hasMessageContaining("cancelled job group endless");
    awaitEnds(2);
    assertThat(tasks.reasons).allMatch(reason -> reason instanceof TaskKilled);
  }
}
