package io.tensorarrow.spark.source;

import static org.assertj.core.api.Assertions.assertThat;

import io.tensorarrow.spark.testing.SparkTest;
import io.tensorarrow.spark.testing.TestModels;
import java.io.IOException;
import java.nio.file.Path;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class InspectTest extends SparkTest {
  @TempDir Path dir;

  private Dataset<Row> inspect(Path model) {
    return spark()
        .read()
        .format("tensorflow")
        .option("model", model.toString())
        .option("inspect", "true")
        .load();
  }

  @Test
  void aModelsTensorsAreRows() throws IOException {
    assertThat(inspect(TestModels.mlp(dir)).collectAsList())
        .extracting(Row::toString)
        .containsExactly(
            "[serve,serving_default,input,x,float32,WrappedArray(-1, 8)]",
            "[serve,serving_default,output,probabilities,float32,WrappedArray(-1, 3)]");
  }

  @Test
  void everySignatureIsListedAndCanBeQueried() throws IOException {
    Dataset<Row> rows = inspect(TestModels.twoSignatures(dir));

    assertThat(rows.select("signature").distinct().count()).isEqualTo(2);
    assertThat(rows.where("direction = 'input' and size(shape) = 1").count()).isPositive();
  }

  @Test
  void anUnknownRankIsANullShape() throws IOException {
    assertThat(inspect(TestModels.notBatched(dir)).where("shape is null").count()).isPositive();
  }
}
