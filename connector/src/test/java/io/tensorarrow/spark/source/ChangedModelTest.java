package io.tensorarrow.spark.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tensorarrow.spark.testing.TestModels;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.Test;

/** A read follows its model's versions. */
class ChangedModelTest extends ChangedReadTestBase {
  @Test
  void latestVersionIsLookedUpForEachQuery() {
    Path versions = dir.resolve("versions");
    TestModels.scaleBy(versions.resolve("1"), 2);
    Dataset<Row> latest = reader().option("model", versions.toString()).load(table);
    Dataset<Row> pinned =
        reader().option("model", versions.toString()).option("version", "1").load(table);
    assertThat(sum(latest)).isEqualTo(sumOf(0, ROWS));

    TestModels.scaleBy(versions.resolve("2"), 4);

    assertThat(sum(latest)).isEqualTo(2 * sumOf(0, ROWS));
    assertThat(sum(pinned)).isEqualTo(sumOf(0, ROWS));
    assertThat(explained(latest.select("y"))).contains("model=" + versions.resolve("2"));
  }

  private static String explained(Dataset<Row> query) {
    // A new query: each Dataset keeps the plan that it made.
    return query.select("*").queryExecution().executedPlan().toString();
  }

  @Test
  void labelIsLookedUpForEachQuery() throws IOException {
    Path versions = dir.resolve("versions");
    TestModels.scaleBy(versions.resolve("1"), 2);
    TestModels.scaleBy(versions.resolve("2"), 4);
    Files.writeString(versions.resolve("labels.properties"), "stable=1\n");
    Dataset<Row> stable =
        reader().option("model", versions.toString()).option("version", "stable").load(table);
    assertThat(sum(stable)).isEqualTo(sumOf(0, ROWS));

    Files.writeString(versions.resolve("labels.properties"), "stable=2\n");

    assertThat(sum(stable)).isEqualTo(2 * sumOf(0, ROWS));
  }

  @Test
  void modelReplacedInPlaceIsReadAgain() {
    Path place = dir.resolve("replaced");
    TestModels.scaleBy(place, 2);
    Dataset<Row> scored = reader().option("model", place.toString()).load(table);
    assertThat(sum(scored)).isEqualTo(sumOf(0, ROWS));

    TestModels.scaleBy(place, 8);

    assertThat(sum(scored)).isEqualTo(4 * sumOf(0, ROWS));
  }

  @Test
  void changedSignatureIsAnErrorThatShowsBoth() throws IOException {
    Path versions = dir.resolve("versions");
    TestModels.scaleBy(versions.resolve("1"), 2);
    Dataset<Row> latest = reader().option("model", versions.toString()).load(table);

    Files.move(TestModels.mlp(versions), versions.resolve("2"));

    assertThat(latest.count()).isEqualTo(ROWS);
    assertThatThrownBy(() -> sum(latest))
        .hasMessageStartingWith("[TA_MODEL_CHANGED] Cannot read model '")
        .hasMessageContaining("/versions/2")
        .hasMessageContaining("probabilities")
        .hasMessageContaining("'serving_default' {'x' float32 (-1,)} -> {'y' float32 (-1,)}");
  }
}
