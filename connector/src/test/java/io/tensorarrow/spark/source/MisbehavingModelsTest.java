package io.tensorarrow.spark.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tensorarrow.spark.metrics.ModelBatchesMetric;
import io.tensorarrow.spark.metrics.ModelLoadTimeMetric;
import io.tensorarrow.spark.testing.OddModels;
import io.tensorarrow.spark.testing.OddModels.Tensor;
import io.tensorarrow.spark.testing.TestModels;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.spark.sql.DataFrameReader;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.tensorflow.proto.DataType;

/** Models that do not do what their signatures say, or say strange things. */
class MisbehavingModelsTest extends SourceTestBase {
  private DataFrameReader reader(Path otherModel) {
    return spark().read().format("tensorflow").option("model", otherModel.toString());
  }

  /** Writes another table, in one partition. */
  private void tableOf(int rows, String... columns) {
    table = dir.resolve("other").toString();
    spark().range(0, rows, 1, 1).selectExpr(columns).write().parquet(table);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "scalar | TA_OUTPUT_NOT_BATCHED | float32 () | float32 (5,)",
        "reduced | TA_OUTPUT_NOT_BATCHED | float32 (2,) | float32 (5, 2)",
        "transposed | TA_OUTPUT_NOT_BATCHED | float32 (2, 5) | float32 (5, 2)",
        "flat | TA_OUTPUT_NOT_BATCHED | float32 (10,) | float32 (5,)",
        "wider | TA_OUTPUT_SHAPE | float32 (5, 2) | float32 (5, 3)",
        "deeper | TA_OUTPUT_SHAPE | float32 (5, 2, 1) | float32 (5, 2)",
        "shallower | TA_OUTPUT_SHAPE | float32 (5,) | float32 (5, 2)",
        "batches | TA_OUTPUT_NOT_BATCHED | float32 (1, 5, 2) | float32 (5, 2)",
      })
  void wrongOutputShapeIsRefused(String output, String code, String found, String expected) {
    tableOf(5, "array(cast(id as float), 1f) as x");
    Dataset<Row> scored = reader(OddModels.misdeclared(dir)).load(table);

    assertThatThrownBy(() -> scored.select("fine", output).collectAsList())
        .hasMessageContaining("[" + code + "] Cannot fetch tensor '" + output + "'")
        .hasMessageContaining(": found " + found)
        .hasMessageContaining("; expected " + expected + ", one row for each of the 5 that");
    assertThat(scored.select("fine").collectAsList()).hasSize(5);
  }

  @Test
  void outputOfAnotherDtypeThanDeclaredIsAnError() {
    Dataset<Row> scored = reader(OddModels.anotherDtype(dir)).load(table);

    assertThatThrownBy(() -> scored.select("y").collectAsList())
        .hasMessageContaining("[TA_MODEL_LOAD] Cannot load model '")
        .hasMessageContaining("passed float from y:0 incompatible with expected int32");
  }

  @Test
  void graphThatContradictsItsSignatureFailsWithTensorFlowsMessage() {
    tableOf(5, "cast(id as float) as x");

    assertThatThrownBy(
            () -> reader(OddModels.narrowerThanDeclared(dir)).load(table).collectAsList())
        .hasMessageContaining("[TA_MODEL_RUN] Cannot run signature 'serving_default' of model '")
        .hasMessageContaining("Incompatible shapes: [4] vs. [5]");
  }

  @Test
  void thousandInputsAreFed() {
    int count = 1000;
    tableOf(
        7,
        IntStream.range(0, count)
            .mapToObj(i -> "cast(id + %d as float) as c%d".formatted(i, i))
            .toArray(String[]::new));
    DataFrameReader reader = reader(OddModels.manyInputs(dir, count));

    assertThatThrownBy(() -> reader.load(table))
        .hasMessageContaining("[TA_INPUT_MISMATCH] Cannot feed signature 'serving_default'")
        .hasMessageContaining("missing: {'x0' float32 (-1,) (no column 'x0'")
        .hasMessageContaining("and 980 more")
        .satisfies(e -> assertThat(e.getMessage()).hasSizeLessThan(10_000));
    String inputs =
        IntStream.range(0, count).mapToObj(i -> "x%d=c%d".formatted(i, i)).collect(joined());
    Dataset<Row> scored = reader.option("inputs", inputs).load(table);
    assertThat(scored.where("c0 = 3").select("sum").first().getFloat(0))
        .isEqualTo(count * 3f + count * (count - 1) / 2f);
  }

  private static java.util.stream.Collector<CharSequence, ?, String> joined() {
    return Collectors.joining(", ");
  }

  @Test
  void inputsSharingOneTensorAreRefused() {
    tableOf(3, "cast(id as float) as a", "cast(id + 1 as float) as b");
    Dataset<Row> scored = reader(OddModels.oneTensorTwice(dir)).load(table);

    assertThatThrownBy(() -> scored.select("y").collectAsList())
        .hasMessageContaining("[TA_MODEL_LOAD]");
  }

  @Test
  void outputOfSignatureWithoutInputsIsNotBatched() {
    Dataset<Row> scored = reader(OddModels.withoutInputs(dir)).load(table);

    assertThatThrownBy(() -> scored.select("y").collectAsList())
        .hasMessageContaining("[TA_OUTPUT_NOT_BATCHED]");
  }

  @Test
  void outputsThatDifferInCaseClashUnlessSparkIsCaseSensitive() {
    Path twins = OddModels.twinOutputs(dir);

    assertThatThrownBy(() -> reader(twins).load(table))
        .hasMessageContaining("[TA_COLUMN_CLASH] Cannot add column 'y' for output 'y'")
        .hasMessageContaining("found output 'Y' of that name")
        .hasMessageContaining("outputs='y=y_out'");
    assertThat(reader(twins).option("outputs", "Y, y=z").load(table).columns())
        .endsWith("part", "Y", "z");
    spark().conf().set("spark.sql.caseSensitive", "true");
    try {
      Row row = reader(twins).load(table).where("id = 3").selectExpr("Y", "y", "x").first();
      assertThat(List.of(row.get(0), row.get(1), row.get(2))).containsExactly(3f, 3f, 3f);
    } finally {
      spark().conf().unset("spark.sql.caseSensitive");
    }
  }

  @Test
  void rowsWithoutElementsAreFedAndFetched() {
    tableOf(5, "id", "cast(array() as array<float>) as none", "array(array(id)) as grid");
    Path same =
        OddModels.same(
            dir.resolve("same"),
            Map.of(
                "none", new Tensor(DataType.DT_FLOAT, -1, 0),
                "grid", new Tensor(DataType.DT_INT64, -1, -1, -1)));

    assertThat(reader(same).load(table).selectExpr("same_none", "same_grid").distinct().count())
        .isEqualTo(5);
    assertThat(
            reader(same)
                .load(table)
                .where("size(same_none) = 0 and same_grid.data[0] = id")
                .where("same_grid.shape = array(1, 1)")
                .count())
        .isEqualTo(5);
  }

  /** A model that can't be loaded would fail if anybody tried. */
  @ParameterizedTest
  @ValueSource(strings = {"id < 0", "cast(id as string) = 'x'", "part = 9"})
  void partitionsWithoutRowsNeverLoadTheModel(String filter) throws IOException {
    Path broken = TestModels.mlp(dir);
    Path data = broken.resolve("variables/variables.data-00000-of-00001");
    byte[] bytes = Files.readAllBytes(data);
    bytes[3] ^= 1;
    Files.write(data, bytes);
    table = dir.resolve("other").toString();
    spark()
        .range(0, 10, 1, 3)
        .selectExpr("id", "array_repeat(cast(id as float), 8) as x", "id % 2 as part")
        .write()
        .partitionBy("part")
        .parquet(table);
    Dataset<Row> scored = reader(broken).load(table);
    Dataset<Row> none = scored.where(filter).select("probabilities");

    assertThat(none.collectAsList()).isEmpty();
    assertThat(metric(none, ModelBatchesMetric.NAME)).isZero();
    assertThat(metric(none, ModelLoadTimeMetric.NAME)).isZero();
    assertThatThrownBy(() -> scored.where("id = 1").select("probabilities").collectAsList())
        .hasMessageContaining("[TA_MODEL_LOAD] Cannot load model '" + broken)
        .hasMessageContaining("hecksum")
        .hasMessageContaining("copy the model again");
  }

  /** The executor has it loaded; nothing on the disk is needed any more. */
  @Test
  void modelDeletedWhileRunningKeepsServing() throws IOException {
    Path going = TestModels.scaleBy(dir.resolve("going"), 7.5f);
    Dataset<Row> scored = reader(going).load(table).selectExpr("y");
    Iterator<Row> rows = scored.where("y >= 0").toLocalIterator();
    assertThat(rows.next().getFloat(0)).isGreaterThanOrEqualTo(0f);
    Files.delete(going.resolve("saved_model.pb"));
    int more = 0;
    while (rows.hasNext()) {
      rows.next();
      more++;
    }
    assertThat(more).isEqualTo(ROWS - 1);
    assertThatThrownBy(() -> reader(going).load(table))
        .hasMessageContaining("[TA_MODEL_NOT_FOUND] Cannot ")
        .hasMessageContaining("found an empty directory; expected a SavedModel directory");
  }

  @Test
  void modelWithoutSignaturesIsRefused() {
    Path none = OddModels.withoutSignatures(dir);

    assertThatThrownBy(() -> reader(none).load(table))
        .hasMessageStartingWith("[TA_SIGNATURE_NOT_FOUND] Cannot find signature 'serving_default'")
        .hasMessageContaining("found none; expected a model saved with signatures");
  }
}
