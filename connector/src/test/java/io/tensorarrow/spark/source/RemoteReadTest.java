package io.tensorarrow.spark.source;

import static org.assertj.core.api.Assertions.assertThat;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.testing.TestFileSystem;
import io.tensorarrow.spark.testing.TestFileSystem.Fault;
import io.tensorarrow.spark.testing.TestModels;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.DataFrameReader;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.Test;

/** Reads with a model on a remote file system. */
class RemoteReadTest extends RemoteReadTestBase {
  @Test
  void readerOptionsReachTheModelOnDriverAndExecutors() {
    assertThat(remotelyScored().exceptAll(expected()).collectAsList()).isEmpty();
    assertThat(remotelyScored().count()).isEqualTo(ROWS);
  }

  @Test
  void sessionAndApplicationSettingsReachTheModel() {
    // What spark.hadoop.* settings become when the application starts.
    Configuration ofApplication = spark().sparkContext().hadoopConfiguration();
    options(Fault.NONE).forEach(ofApplication::set);
    try {
      Dataset<Row> scored =
          spark().read().format("tensorflow").option("model", "test:" + model).load(table);
      assertThat(scored.exceptAll(expected()).collectAsList()).isEmpty();
      // An option wins.
      fails(
              ErrorCode.TA_MODEL_FETCH,
              () ->
                  spark()
                      .read()
                      .format("tensorflow")
                      .option("model", "test:" + model)
                      .option("fs.test.secret.key", "wrong password")
                      .load(table))
          .hasMessageNotContaining("wrong password");
    } finally {
      options(Fault.NONE).keySet().forEach(ofApplication::unset);
    }
    options(Fault.NONE).forEach(spark().conf()::set);
    try {
      assertThat(
              spark()
                  .read()
                  .format("tensorflow")
                  .option("model", "test:" + model)
                  .load(table)
                  .count())
          .isEqualTo(ROWS);
    } finally {
      options(Fault.NONE).keySet().forEach(spark().conf()::unset);
    }
  }

  @Test
  void remoteVersionsAreChosenLikeLocalOnes() throws IOException {
    Path versions = dir.resolve("versions");
    for (int version : List.of(2, 9, 10)) {
      TestModels.scaleBy(versions.resolve(Integer.toString(version)), version);
    }
    Files.writeString(versions.resolve("labels.properties"), "stable=2\n");
    // Half-uploaded: without a graph, and without data.
    Files.createDirectories(versions.resolve("11/variables"));
    Path half = TestModels.mlp(versions.resolve("half"));
    Files.move(half, versions.resolve("12"));
    Files.delete(versions.resolve("12/variables/variables.data-00000-of-00001"));

    assertThat(factor(remote(versions))).isEqualTo(10);
    assertThat(factor(remote(versions).option("version", "9"))).isEqualTo(9);
    assertThat(factor(remote(versions).option("version", "stable"))).isEqualTo(2);
    fails(
            ErrorCode.TA_VERSION_NOT_FOUND,
            () -> remote(versions).option("version", "12").load(table))
        .hasMessageContaining("'test:" + versions + "'")
        .hasMessageContaining("that '12' is incomplete, with no variables/variables.data-00000");
    fails(
            ErrorCode.TA_VERSION_NOT_FOUND,
            () -> remote(versions).option("version", "11").load(table))
        .hasMessageContaining("that '11' is incomplete");
    fails(
            ErrorCode.TA_VERSION_NOT_FOUND,
            () -> remote(versions).option("version", "13").load(table))
        .hasMessageContaining("'10', '11', '12', '2', '9' and labels 'stable'");
  }

  private float factor(DataFrameReader reader) {
    Row row = reader.load(table).where("id = 7").select("x", "y").head();
    return row.getFloat(1) / row.getFloat(0);
  }

  @Test
  void plannedQueryKeepsItsVersion() {
    Path versions = dir.resolve("versions");
    TestModels.scaleBy(versions.resolve("1"), 5);
    Dataset<Row> planned = remote(versions).load(table).where("id = 7").select("x", "y");
    planned.queryExecution().executedPlan();
    TestModels.scaleBy(versions.resolve("2"), 6);
    Row row = planned.collectAsList().get(0);
    assertThat(row.getFloat(1) / row.getFloat(0)).isEqualTo(5);
    assertThat(factor(remote(versions))).isEqualTo(6);
  }

  @Test
  void wrappedSourceMayBeOnTheSameFileSystem() {
    Dataset<Row> scored = remote(Path.of(model)).load("test:" + table);
    assertThat(scored.exceptAll(expected()).collectAsList()).isEmpty();
  }

  @Test
  void connectionsAreClosedAfterUse() {
    int before = TestFileSystem.connections();
    remotelyScored().collectAsList();
    fails(ErrorCode.TA_MODEL_NOT_FOUND, () -> remote(dir.resolve("nowhere")).load(table));
    assertThat(TestFileSystem.connections()).isEqualTo(before);
  }
}
