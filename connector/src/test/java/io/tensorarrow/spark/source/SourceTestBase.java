package io.tensorarrow.spark.source;

import io.tensorarrow.spark.testing.SparkTestBase;
import io.tensorarrow.spark.testing.TestModels;
import java.io.IOException;
import java.nio.file.Path;
import org.apache.spark.sql.DataFrameReader;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** A table of 1000 rows in four partition directories, and the model {@code y = 2 * x}. */
public abstract class SourceTestBase extends SparkTestBase {
  public static final int ROWS = 1000;

  @TempDir public Path dir;
  public String table = "";
  public String model = "";

  @BeforeEach
  public void writeTableAndModel() throws IOException {
    table = dir.resolve("table").toString();
    model = TestModels.scale(dir).toString();
    spark()
        .range(0, ROWS, 1, 2)
        .selectExpr(
            "id",
            "cast(id as float) as x",
            "if(id % 10 = 0, null, concat('n', id)) as name",
            "named_struct('a', id, 'b', id * 2, 'c', cast(id as string)) as s",
            "array(id, id + 1) as xs",
            "cast(id % 4 as int) as part")
        .write()
        .partitionBy("part")
        .parquet(table);
  }

  /** Returns a reader of the source with the model set. */
  public DataFrameReader reader() {
    return spark().read().format("tensorflow").option("model", model);
  }

  /** Returns the table with the model's output. */
  public Dataset<Row> scored() {
    return reader().load(table);
  }

  /** Returns what {@link #scored} must be, computed without a model. */
  public Dataset<Row> expected() {
    return spark().read().parquet(table).selectExpr("*", "x * 2 as y");
  }
}
