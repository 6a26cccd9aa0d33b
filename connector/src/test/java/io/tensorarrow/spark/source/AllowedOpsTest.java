package io.tensorarrow.spark.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tensorarrow.spark.testing.FailingModels;
import io.tensorarrow.spark.testing.FileModels;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.spark.SparkConf;
import org.apache.spark.sql.DataFrameReader;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What a model may reach is judged by {@code load}, and by each executor again. */
class AllowedOpsTest extends SourceTestBase {
  private static final String MAX = "spark.tensorarrow.allowOps.max";

  private Path reading = Path.of("");

  /** The live configuration of driver and executor, which are one process here. */
  private static SparkConf conf() {
    return spark().sparkContext().conf();
  }

  @BeforeEach
  void writeModel() throws IOException {
    reading = FileModels.readsFile(dir, Files.writeString(dir.resolve("secret"), "12345"));
  }

  @AfterEach
  void forbid() {
    conf().remove(MAX);
    spark().conf().unset(MAX);
  }

  private DataFrameReader reader(Path model) {
    return spark().read().format("tensorflow").option("model", model.toString());
  }

  @Test
  void modelThatReadsFilesIsRefusedByLoad() {
    assertThatThrownBy(() -> reader(reading).load(table))
        .hasMessageStartingWith(
            "[TA_OP_NOT_ALLOWED] Cannot run signature 'serving_default' of model '")
        .hasMessageContaining("'ReadFile'")
        .hasMessageContaining("serving_default > content");
  }

  @Test
  void modelThatWritesFilesWhenLoadedIsRefusedByLoad() {
    Path written = dir.resolve("written");
    assertThatThrownBy(() -> reader(FileModels.writesFileWhenLoaded(dir, written)).load(table))
        .hasMessageStartingWith("[TA_OP_NOT_ALLOWED] Cannot load model '")
        .hasMessageContaining("initialiser > write");
    assertThat(written).doesNotExist();
  }

  @Test
  void unknownOperationIsRefusedByLoad() {
    assertThatThrownBy(() -> reader(FailingModels.unknownOp(dir)).load(table))
        .hasMessageStartingWith("[TA_OP_UNKNOWN] Cannot run signature 'serving_default'")
        .hasMessageContaining("'MadeUpOperation'");
  }

  @Test
  void inspectShowsAnyModel() {
    assertThat(reader(reading).option("inspect", true).load().count()).isEqualTo(2);
  }

  @Test
  void allowOpsIsBoundedByClusterSetting() {
    DataFrameReader reader = reader(reading).option("allowOps", "ReadFile");

    assertThatThrownBy(() -> reader.load(table))
        .hasMessageStartingWith(
            "[TA_OPTION_INVALID] Cannot use option 'allowOps': found 'ReadFile'; expected ")
        .hasMessageContaining(MAX + " names, which names none");
    spark().conf().set(MAX, "ReadFile");
    assertThatThrownBy(() -> reader.load(table))
        .as("a session can't loosen it")
        .hasMessageStartingWith("[TA_OPTION_INVALID]");
    conf().set(MAX, "WriteFile");
    assertThatThrownBy(() -> reader.load(table)).hasMessageContaining("which names 'WriteFile'");
  }

  @Test
  void opAllowedByQueryAndClusterRuns() {
    for (String max : new String[] {"WriteFile, ReadFile", "*"}) {
      conf().set(MAX, max);
      Dataset<Row> scored = reader(reading).option("allowOps", "ReadFile").load(table);

      assertThat(scored.where("y <> x + 5").count()).isZero();
      assertThat(scored.selectExpr("max(y)").first().getFloat(0)).isEqualTo(ROWS + 4f);
    }
  }

  @Test
  void executorChecksItsOwnConfiguration() {
    conf().set(MAX, "ReadFile");
    Dataset<Row> scored = reader(reading).option("allowOps", "ReadFile").load(table);
    conf().remove(MAX);

    assertThatThrownBy(() -> scored.select("y").collectAsList())
        .hasMessageContaining("[TA_OPTION_INVALID] Cannot use option 'allowOps'");
  }
}
