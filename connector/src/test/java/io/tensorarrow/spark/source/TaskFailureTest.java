package io.tensorarrow.spark.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tensorarrow.spark.metrics.RowsInferredMetric;
import io.tensorarrow.spark.model.savedmodel.SavedModelFile;
import io.tensorarrow.spark.testing.BatchModels;
import io.tensorarrow.spark.testing.FailingModels;
import io.tensorarrow.spark.testing.OddModels;
import io.tensorarrow.spark.testing.TestModels;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.spark.SparkException;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.functions;
import org.apache.spark.sql.types.DataTypes;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.tensorflow.proto.DataType;

/**
 * What fails in a task names the reason and leaves nothing allocated; the base class checks the
 * latter.
 */
class TaskFailureTest extends SourceTestBase {
  /** Static because the function that counts it down travels to the tasks as a copy. */
  private static final CountDownLatch RUNNING = new CountDownLatch(2);

  private Dataset<Row> scoredWith(Path model, String... columns) {
    String path = dir.resolve("rows").toString();
    spark().range(0, 50, 1, 1).selectExpr(columns).write().parquet(path);
    return spark().read().format("tensorflow").option("model", model.toString()).load(path);
  }

  @Test
  void nullCellIsAnError() throws IOException {
    Dataset<Row> scored =
        scoredWith(TestModels.scale(dir), "id", "if(id = 17, null, cast(id as float)) as x");

    assertThatThrownBy(() -> scored.collectAsList())
        .isInstanceOf(SparkException.class)
        .hasMessageContaining("[TA_NULL_INPUT] Cannot ")
        .hasMessageContaining("'x'")
        .hasMessageContaining("17");
    assertThat(scored.where("x is not null").count()).isEqualTo(49);
    assertThat(scored.where("x is not null").select("y").collectAsList()).hasSize(49);
  }

  @Test
  void valueOutOfRangeIsAnError() throws IOException {
    Dataset<Row> scored =
        scoredWith(TestModels.scale(dir), "if(id = 3, 1e300D, cast(id as double)) as x");

    assertThatThrownBy(() -> scored.collectAsList())
        .hasMessageContaining("[TA_CAST_OVERFLOW] Cannot ")
        .hasMessageNotContaining("1e300")
        .hasMessageNotContaining("1.0E300");
  }

  /** Row 3 has a value that does not fit; neither it nor a wrapped one is to be seen. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "INT32 | id + 2147483645 | int32",
        "INT32 | -2147483646 - id | int32",
        "INT8 | cast(id + 125 as smallint) | int8",
        "INT16 | cast(32765 + id as int) | int16",
        "INT64 | cast(9223372036854775805 as decimal(20,0)) + id | int64",
        "INT64 | cast(9223372036854775805 as decimal(38,0)) + id | int64",
        "UINT8 | cast(253 + id as smallint) | uint8",
        "UINT16 | cast(65533 + id as int) | uint16",
        "UINT32 | 4294967293 + id | uint32",
        "UINT32 | 2 - id | uint32",
        "UINT64 | cast(18446744073709551613 as decimal(30,0)) + id | uint64",
        "UINT64 | 2 - id | uint64",
        "FLOAT | if(id = 3, 3.5e38D, 1D) | float32",
        "FLOAT | if(id = 3, -1e300D, 1D) | float32",
        "HALF | if(id = 3, 65520F, 1F) | float16",
        "BFLOAT16 | if(id = 3, 3.4e38D, 1D) | bfloat16",
        "INT32 | if(id = 3, cast('NaN' as double), 1D) | int32",
        "INT64 | if(id = 3, 9.3e18D, 1D) | int64",
        "INT32 | if(id = 3, cast('-Infinity' as float), 1F) | int32",
        "UINT8 | if(id = 3, -1D, 1D) | uint8",
      })
  void overflowingValueIsRefused(String dtype, String column, String name) {
    Path same =
        OddModels.same(
            dir.resolve("same"),
            Map.of("x", new OddModels.Tensor(DataType.valueOf("DT_" + dtype), -1)));
    String path = dir.resolve("rows").toString();
    spark().range(0, 4, 1, 1).selectExpr("id", column + " as x").write().parquet(path);
    Dataset<Row> scored =
        spark()
            .read()
            .format("tensorflow")
            .option("model", same.toString())
            .option("cast", "unsafe")
            .load(path);

    assertThatThrownBy(() -> scored.collectAsList())
        .hasMessageContaining(
            "[TA_CAST_OVERFLOW] Cannot feed column 'x' to tensor 'x' " + name + " (-1,): found ")
        .hasMessageContaining("in row 3 of split 0+");
    assertThat(
            scored
                .where("id < 3 and cast(x as decimal(38,0)) <> cast(same_x as decimal(38,0))")
                .count())
        .isZero();
  }

  @Test
  void arrayOfOtherLengthIsAnError() throws IOException {
    Dataset<Row> scored =
        scoredWith(
            TestModels.mlp(dir), "id", "array_repeat(cast(1 as float), if(id = 5, 7, 8)) as x");

    assertThatThrownBy(() -> scored.collectAsList())
        .hasMessageContaining("[TA_INPUT_SHAPE] Cannot ")
        .hasMessageContaining("7")
        .hasMessageContaining("8");
  }

  @Test
  void outputWithFewerRowsIsAnError() throws IOException {
    Dataset<Row> scored = scoredWith(BatchModels.wrongBatch(dir), "id", "cast(id as float) as x");

    assertThatThrownBy(() -> scored.collectAsList())
        .hasMessageContaining("[TA_OUTPUT_NOT_BATCHED] Cannot ")
        .hasMessageContaining("'y'");
  }

  @Test
  void failingModelIsAnError() throws IOException {
    Dataset<Row> scored = scoredWith(FailingModels.failing(dir), "id", "cast(id as int) as x");

    assertThatThrownBy(() -> scored.collectAsList())
        .hasMessageContaining("[TA_MODEL_RUN] Cannot ")
        .hasMessageContaining("serving_default");
    // The model still serves: rows that it can compute are computed.
    assertThat(scored.where("x > 0").select("y").collectAsList()).hasSize(49);
  }

  @Test
  void modelChangedAfterPlanningIsAnError() throws IOException {
    Path changing = TestModels.scaleBy(dir.resolve("changing"), 3.5f);
    Dataset<Row> scored = scoredWith(changing, "id", "cast(id as float) as x");
    String planned = SavedModelFile.read(changing).fingerprint();
    scored.queryExecution().executedPlan();
    TestModels.scaleBy(changing, 4.5f);

    assertThatThrownBy(() -> scored.collectAsList())
        .hasMessageContaining("[TA_MODEL_CHANGED] Cannot load model '" + changing)
        .hasMessageContaining("found fingerprint " + SavedModelFile.read(changing).fingerprint())
        .hasMessageContaining("; expected " + planned);
    assertThat(scored.select("id").collectAsList()).hasSize(50);
  }

  @Test
  void modelMissingOnExecutorIsAnError() throws IOException {
    Path vanishing = TestModels.scaleBy(dir.resolve("vanishing"), 5.5f);
    Dataset<Row> scored = scoredWith(vanishing, "id", "cast(id as float) as x");
    scored.queryExecution().executedPlan();
    Files.move(vanishing, dir.resolve("elsewhere"));

    assertThatThrownBy(() -> scored.collectAsList())
        .hasMessageContaining("[TA_MODEL_NOT_FOUND] Cannot ")
        .hasMessageContaining("host");
  }

  @ParameterizedTest
  @ValueSource(strings = {"limit", "order", "iterator", "first", "take", "union", "exists"})
  void partialReadFreesAllMemory(String consumer) {
    Dataset<Row> scored = reader().option("batchRows", 10).load(table).select("id", "y");
    List<Row> rows =
        switch (consumer) {
          case "limit" -> scored.limit(7).collectAsList();
          case "order" -> scored.orderBy(functions.col("y").desc()).limit(7).collectAsList();
          case "iterator" -> {
            Iterator<Row> some = scored.toLocalIterator();
            yield List.of(some.next(), some.next(), some.next());
          }
          case "first" -> scored.javaRDD().mapPartitions(all -> first(all).iterator()).collect();
          case "take" -> scored.takeAsList(3);
          // Several readers in one task.
          case "union" -> scored.union(scored).coalesce(1).limit(3).collectAsList();
          case "exists" -> scored.where("y > 0").coalesce(1).javaRDD().take(1);
          default -> throw new IllegalArgumentException(consumer);
        };
    assertThat(rows).isNotEmpty().allMatch(row -> row.getFloat(1) == 2 * row.getLong(0));
  }

  private static List<Row> first(Iterator<Row> rows) {
    return rows.hasNext() ? List.of(rows.next()) : List.of();
  }

  @Test
  void failingConsumerFreesAllMemory() {
    spark()
        .udf()
        .register(
            "fails",
            (Float y) -> {
              if (y > 1500) {
                throw new IllegalStateException("fails on purpose");
              }
              return y;
            },
            DataTypes.FloatType);
    Dataset<Row> scored = reader().option("batchRows", 10).load(table);
    assertThatThrownBy(() -> scored.selectExpr("sum(fails(y))").collectAsList())
        .hasMessageContaining("fails");
    assertThatThrownBy(
            () ->
                scored
                    .javaRDD()
                    .foreachPartition(
                        rows -> {
                          if (!first(rows).isEmpty()) {
                            throw new ConsumerError();
                          }
                        }))
        .hasMessageContaining("ConsumerError");
  }

  private static final class ConsumerError extends LinkageError {
    private static final long serialVersionUID = 1L;
  }

  @Test
  void killedJobFreesAllMemory() throws Exception {
    spark()
        .udf()
        .register(
            "slowly",
            (Float y) -> {
              RUNNING.countDown();
              Thread.sleep(1000);
              return y;
            },
            DataTypes.FloatType);
    Dataset<Row> slow = reader().option("batchRows", 1).load(table).selectExpr("sum(slowly(y))");
    CompletableFuture<Void> job =
        CompletableFuture.runAsync(
            () -> {
              spark().sparkContext().setJobGroup("killed", "to be killed", true);
              try {
                slow.collectAsList();
              } finally {
                spark().sparkContext().clearJobGroup();
              }
            });
    assertThat(RUNNING.await(60, TimeUnit.SECONDS)).as("tasks that run the model").isTrue();
    spark().sparkContext().cancelJobGroup("killed");

    assertThatThrownBy(() -> job.get(60, TimeUnit.SECONDS))
        .hasMessageContaining("cancelled job group killed");
    nothingIsLeft();
    Dataset<Row> after = scored().select("y");
    after.collectAsList();
    assertThat(metric(after, RowsInferredMetric.NAME)).isEqualTo(ROWS);
  }
}
