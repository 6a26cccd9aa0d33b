package io.tensorarrow.spark.source;

import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SaveMode;
import org.junit.jupiter.api.AfterEach;

/** Base of tests of reads whose files or model change after they were opened. */
abstract class ChangedReadTestBase extends SourceTestBase {
  @AfterEach
  void forget() {
    spark().catalog().clearCache();
    spark().catalog().dropTempView("scored");
    spark().conf().unset("spark.sql.adaptive.enabled");
  }

  static void write(String format, SaveMode mode, int from, int to, String path) {
    spark()
        .range(from, to, 1, 1)
        .selectExpr("id", "cast(id as float) as x")
        .write()
        .format(format)
        .mode(mode)
        .save(path);
  }

  Dataset<Row> read(String format, String path) {
    return reader().option("source", format).load(path);
  }

  static double sum(Dataset<Row> scored) {
    return scored.selectExpr("coalesce(sum(y), 0.0)").first().getDouble(0);
  }

  static double sumOf(int from, int to) {
    double sum = 0;
    for (int id = from; id < to; id++) {
      sum += 2.0 * id;
    }
    return sum;
  }
}
