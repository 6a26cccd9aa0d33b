package io.tensorarrow.spark.source;

import static io.tensorarrow.spark.testing.Copies.javaCopy;
import static io.tensorarrow.spark.testing.Copies.kryoCopy;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.model.ModelReference;
import io.tensorarrow.spark.testing.TestFileSystem.Fault;
import io.tensorarrow.spark.testing.TestModels;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.stream.Collectors;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerEvent;
import org.apache.spark.scheduler.SparkListenerJobStart;
import org.apache.spark.scheduler.SparkListenerStageCompleted;
import org.apache.spark.scheduler.SparkListenerStageSubmitted;
import org.apache.spark.scheduler.SparkListenerTaskEnd;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.connector.read.Batch;
import org.apache.spark.sql.connector.read.PartitionReaderFactory;
import org.apache.spark.sql.execution.ExplainMode;
import org.apache.spark.util.JsonProtocol;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Credentials reach the executors, and are shown nowhere. */
class RemoteSecretsTest extends RemoteReadTestBase {
  @Test
  void plansAndEventsShowNoOptions() throws Exception {
    Queue<String> events = new ConcurrentLinkedQueue<>();
    SparkListener listener = listener(events);
    List<String> shown = new ArrayList<>();
    spark().sparkContext().addSparkListener(listener);
    try {
      Dataset<Row> scored = remotelyScored().where("id % 3 = 0").select("id", "y");
      assertThat(scored.collectAsList()).isNotEmpty();
      for (String mode : List.of("simple", "extended", "codegen", "cost", "formatted")) {
        shown.add(scored.queryExecution().explainString(ExplainMode.fromString(mode)));
      }
      shown.add(scored.queryExecution().toString());
      shown.add(scored.queryExecution().analyzed().toJSON());
      shown.add(scored.queryExecution().executedPlan().toJSON());
      shown.add(scored.queryExecution().analyzed().numberedTreeString());
      shown.add(scored.rdd().toDebugString());
      shown.add(remotelyScored().schema().prettyJson());
      scans(scored)
          .forEach(
              scan -> {
                shown.add(scan.scan().description());
                shown.add(scan.scan().toString());
                shown.add(scan.scan().toBatch().toString());
                shown.add(scan.table().toString() + scan.table().name());
                shown.add(scan.metrics().toString());
                shown.add(scan.scan().toBatch().createReaderFactory().toString());
              });
      createView("remotely_scored");
      for (String statement :
          List.of(
              "EXPLAIN EXTENDED SELECT id, y FROM remotely_scored",
              "EXPLAIN FORMATTED SELECT id, y FROM remotely_scored",
              "EXPLAIN EXTENDED " + viewStatement("other"),
              "DESCRIBE EXTENDED remotely_scored",
              "SHOW VIEWS")) {
        shown.add(text(spark().sql(statement)));
      }
      assertThat(spark().sql("SELECT max(y) FROM remotely_scored").collectAsList()).hasSize(1);
    } finally {
      spark().sparkContext().listenerBus().waitUntilEmpty();
      spark().sparkContext().removeSparkListener(listener);
      spark().sql("DROP VIEW IF EXISTS remotely_scored");
    }
    assertThat(events).anyMatch(event -> event.contains("InferenceScan model=test:" + model));
    assertThat(events).anyMatch(event -> event.contains("SparkListenerTaskEnd"));
    assertThat(shown).anyMatch(text -> text.contains("InferenceScan model=test:" + model));
    assertThat(shown).allSatisfy(text -> assertThat(text).doesNotContain(SECRET));
    assertThat(events).allSatisfy(text -> assertThat(text).doesNotContain(SECRET));
    // The log's place is no secret, but an option all the same; a command's own text apart.
    assertThat(shown)
        .filteredOn(text -> !text.contains("CreateTempViewUsing"))
        .allSatisfy(text -> assertThat(text).doesNotContain(log.toString()));
  }

  private void createView(String name) {
    spark().sql(viewStatement(name));
  }

  private String viewStatement(String name) {
    String options =
        options(Fault.NONE).entrySet().stream()
            .map(entry -> "'%s' '%s'".formatted(entry.getKey(), entry.getValue()))
            .collect(Collectors.joining(", "));
    return "CREATE OR REPLACE TEMPORARY VIEW %s USING tensorflow OPTIONS (model 'test:%s', path '%s', %s)"
        .formatted(name, model, table, options);
  }

  private static String text(Dataset<Row> rows) {
    return rows.collectAsList().stream().map(Row::toString).collect(Collectors.joining("\n"));
  }

  /** Takes down what the event log would hold, before Spark redacts it. */
  private static SparkListener listener(Queue<String> events) {
    return new SparkListener() {
      private void note(SparkListenerEvent event) {
        events.add(JsonProtocol.sparkEventToJsonString(event));
      }

      @Override
      public void onStageSubmitted(SparkListenerStageSubmitted event) {
        note(event);
      }

      @Override
      public void onStageCompleted(SparkListenerStageCompleted event) {
        note(event);
      }

      @Override
      public void onJobStart(SparkListenerJobStart event) {
        note(event);
      }

      @Override
      public void onTaskEnd(SparkListenerTaskEnd event) {
        note(event);
      }

      @Override
      public void onOtherEvent(SparkListenerEvent event) {
        note(event);
      }
    };
  }

  @Test
  void errorOfFailingTaskShowsNoSecret() {
    Dataset<Row> denied =
        spark()
            .read()
            .format("tensorflow")
            .option("model", "test:" + TestModels.mlp(dir.resolve("store")))
            .option("inputs", "x=xs")
            .options(options(Fault.DENIED))
            .load(eightNumbers());
    assertThatThrownBy(denied::collectAsList)
        .hasMessageContaining("TA_MODEL_FETCH")
        .hasMessageContaining("403 for key *********(redacted)")
        .satisfies(RemoteReadTestBase::tellsNoSecret);
  }

  private String eightNumbers() {
    String numbers = dir.resolve("numbers").toString();
    spark()
        .range(4)
        .selectExpr("transform(sequence(1, 8), i -> cast(i as float)) as xs")
        .write()
        .parquet(numbers);
    return numbers;
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "test://key:s3cr3t-of-the-test@bucket/model",
        "test://key:s3cr3t-of-the-test@/model",
        "test://key:a/s3cr3t-of-the-test@bucket/model",
        "test://key:/s3cr3t-of-the-test@bucket/model",
        "test://key%3As3cr3t-of-the-test@bucket/model",
        "test://a@b:s3cr3t-of-the-test@bucket/model",
        "test://bucket/model?sig=s3cr3t-of-the-test",
        "key:s3cr3t-of-the-test@bucket/model",
      })
  void uriWithPasswordIsRefusedWithoutPrintingIt(String uri) {
    fails(
            ErrorCode.TA_OPTION_INVALID,
            () ->
                spark()
                    .read()
                    .format("tensorflow")
                    .option("model", uri)
                    .options(options(Fault.NONE))
                    .load(table))
        .hasMessageContaining("option 'model'");
  }

  @Test
  void passwordInDefaultFileSystemIsRefused() {
    fails(
            ErrorCode.TA_OPTION_INVALID,
            () ->
                spark()
                    .read()
                    .format("tensorflow")
                    .option("model", "/models/m")
                    .options(options(Fault.NONE))
                    .option("fs.defaultFS", "test://key:" + SECRET + "@bucket")
                    .load(table))
        .hasMessageContaining("fs.defaultFS");
  }

  @Test
  void factoryWithCredentialsSerializesByJavaAndKryo() throws Exception {
    Dataset<Row> query = remotelyScored().select("id", "y");
    query.queryExecution().executedPlan();
    Batch batch = scans(query).get(0).scan().toBatch();
    PartitionReaderFactory factory = batch.createReaderFactory();
    ModelReference model = model(factory);

    assertThat(model.access().isRemote()).isTrue();
    assertThat(model.access().configuration().get("fs.test.secret.key")).isEqualTo(SECRET);
    assertThat(model.toString()).doesNotContain(SECRET).contains("access=remote");
    for (ModelReference copy :
        List.of(model(javaCopy(factory)), model(kryoCopy(factory)), javaCopy(model))) {
      assertThat(copy).isEqualTo(model).hasSameHashCodeAs(model);
      assertThat(copy.access().configuration().get("fs.test.secret.key")).isEqualTo(SECRET);
    }
  }

  private static ModelReference model(PartitionReaderFactory factory) {
    return ((InferenceReaderFactory) factory).plan().spec().model();
  }

  @Test
  void queriesWithOtherCredentialsAreNotEqual() {
    Batch batch = batch(remotelyScored());
    assertThat(batch).isEqualTo(batch(remotelyScored()));
    assertThat(batch)
        .isNotEqualTo(batch(remote(Path.of(model)).option("fs.test.user", "another").load(table)));
  }

  private static Batch batch(Dataset<Row> query) {
    query.queryExecution().executedPlan();
    return scans(query).get(0).scan().toBatch();
  }
}
