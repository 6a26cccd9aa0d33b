package io.tensorarrow.spark.source;

import static org.assertj.core.api.Assertions.assertThat;

import io.tensorarrow.spark.testing.TestFileSystem;
import io.tensorarrow.spark.testing.TestFileSystem.Fault;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.apache.spark.sql.DataFrameReader;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SaveMode;
import org.junit.jupiter.api.Test;

/** How often a read lists the files of its source. */
class FileListingTest extends ChangedReadTestBase {
  @Test
  void allScansOfAQuerySeeOneListing() {
    String path = dir.resolve("data").toString();
    write("parquet", SaveMode.Append, 0, 10, path);
    Dataset<Row> scored = reader().options(countedFiles()).load("test://" + path);
    long one = listings(scored.select("y"), 10);

    Dataset<Row> joined = scored.join(scored.withColumnRenamed("y", "z"), "id");
    scored.createOrReplaceTempView("scored");

    assertThat(listings(joined, 10)).isEqualTo(one);
    assertThat(listings(scored.union(scored), 20)).isEqualTo(one);
    assertThat(
            listings(
                spark().sql("select y from scored where id < (select max(y) from scored)"), 10))
        .isEqualTo(one);
  }

  private Map<String, String> countedFiles() {
    Map<String, String> options =
        new HashMap<>(TestFileSystem.options(Fault.NONE, dir.resolve("log")));
    // Else another test's file system is found, which writes to another log.
    options.put("fs.test.impl.disable.cache", "true");
    return options;
  }

  /** Runs a query that gives so many rows; returns how often it listed directories. */
  private static long listings(Dataset<Row> query, int rows) {
    long before = TestFileSystem.listings();
    assertThat(query.collectAsList()).hasSize(rows);
    return TestFileSystem.listings() - before;
  }

  @Test
  void loadAndQueryListFilesAsOftenAsSpark() throws IOException {
    String path = dir.resolve("many").toString();
    Files.createDirectories(Path.of(path));
    write("parquet", SaveMode.Overwrite, 0, 1, dir.resolve("one").toString());
    Path one;
    try (var files = Files.list(dir.resolve("one"))) {
      one = files.filter(f -> f.toString().endsWith(".parquet")).findFirst().orElseThrow();
    }
    for (int i = 0; i < 200; i++) {
      Files.copy(one, Path.of(path).resolve("f" + i + ".parquet"));
    }
    Map<String, String> options = countedFiles();
    String uri = "test://" + path;

    long before = TestFileSystem.listings();
    spark().read().options(options).parquet(uri);
    long plainListings = TestFileSystem.listings() - before;

    DataFrameReader reader = reader().options(options);
    before = TestFileSystem.listings();
    Dataset<Row> scored = reader.option("model", model).load(uri);
    long load = TestFileSystem.listings() - before;
    before = TestFileSystem.listings();
    assertThat(scored.select("id").count()).isEqualTo(200);
    long query = TestFileSystem.listings() - before;

    assertThat(plainListings).isPositive();
    // One more look each: whether an Iceberg table's metadata is there.
    assertThat(load).as("listings of a load").isEqualTo(plainListings + 1);
    assertThat(query).as("listings of a query").isEqualTo(plainListings + 1);
  }
}
