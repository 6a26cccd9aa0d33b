package io.tensorarrow.spark.source;

import io.tensorarrow.spark.testing.OddModels;
import io.tensorarrow.spark.testing.OddModels.Tensor;
import io.tensorarrow.spark.testing.SparkTestBase;
import java.nio.file.Path;
import java.util.Map;
import java.util.function.Supplier;
import org.apache.spark.sql.DataFrameReader;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.io.TempDir;

/** Base of tests that read columns by each of Spark's readers. */
abstract class ReaderTypesTestBase extends SparkTestBase {
  @TempDir Path dir;

  /** Spark's readers, which hold columns in different vectors. */
  enum ReaderKind {
    PARQUET("parquet", "", ""),
    PARQUET_WITHOUT_DICTIONARIES("parquet", "", ""),
    PARQUET_OFF_HEAP("parquet", "spark.sql.columnVector.offheap.enabled", "true"),
    PARQUET_ROWS("parquet", "spark.sql.parquet.enableVectorizedReader", "false"),
    PARQUET_NESTED_ROWS("parquet", "spark.sql.parquet.enableNestedColumnVectorizedReader", "false"),
    ORC("orc", "spark.sql.orc.enableNestedColumnVectorizedReader", "true"),
    ORC_ROWS("orc", "spark.sql.orc.enableVectorizedReader", "false");

    private final String format;
    private final String setting;
    private final String value;

    ReaderKind(String format, String setting, String value) {
      this.format = format;
      this.setting = setting;
      this.value = value;
    }

    String format() {
      return format;
    }

    <T> T run(Supplier<T> action) {
      if (setting.isEmpty()) {
        return action.get();
      }
      spark().conf().set(setting, value);
      try {
        return action.get();
      } finally {
        spark().conf().unset(setting);
      }
    }
  }

  static Tensor tensor(String dtype, long... rowDims) {
    long[] dims = new long[rowDims.length + 1];
    dims[0] = -1;
    System.arraycopy(rowDims, 0, dims, 1, rowDims.length);
    return new Tensor(org.tensorflow.proto.DataType.valueOf("DT_" + dtype), dims);
  }

  String write(ReaderKind kind, Dataset<Row> rows) {
    String path = dir.resolve("table").toString();
    rows.coalesce(1)
        .write()
        .format(kind.format)
        .option("parquet.enable.dictionary", kind != ReaderKind.PARQUET_WITHOUT_DICTIONARIES)
        .save(path);
    return path;
  }

  DataFrameReader reader(ReaderKind kind, Map<String, Tensor> tensors) {
    return spark()
        .read()
        .format("tensorflow")
        .option("source", kind.format)
        .option("model", OddModels.same(dir.resolve("model"), tensors).toString());
  }
}
