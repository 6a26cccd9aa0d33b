package io.tensorarrow.spark.sql.guards;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.sql.guards.DroppingCatalog.Kind;
import io.tensorarrow.spark.testing.LakeTestBase;
import io.tensorarrow.spark.testing.TestModels;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.apache.spark.sql.DataFrameReader;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** A table {@code t} of files in the session catalog, and a view {@code scored} over the files. */
abstract class OverwriteTestBase extends LakeTestBase {
  static final int ROWS = 40;

  String model = "";

  @BeforeEach
  void writeModel() {
    model = TestModels.scale(dir).toString();
  }

  @AfterEach
  void forgetTables() {
    lake().catalog().clearCache();
    for (Row table : lake().sql("SHOW TABLES IN default").collectAsList()) {
      if (!table.getBoolean(2)) {
        lake().sql("DROP TABLE " + table.getString(1));
      }
    }
    for (Row view : lake().sql("SHOW VIEWS IN global_temp").collectAsList()) {
      lake().catalog().dropGlobalTempView(view.getString(1));
    }
  }

  static Stream<String> formats() {
    return Stream.of("parquet", "orc");
  }

  String path(String name) {
    return dir.resolve(name).toString();
  }

  Dataset<Row> rows() {
    return SparkSession.active()
        .range(0, ROWS, 1, 1)
        .selectExpr("id", "cast(id AS float) AS x", "cast(id % 3 AS int) AS part");
  }

  List<Row> doubled() {
    return rows().selectExpr("id", "x * 2").collectAsList();
  }

  void table(String format) {
    rows().drop("part").write().format(format).save(path("t"));
    lake()
        .sql(
            "CREATE TABLE t (id BIGINT, x FLOAT) USING %s LOCATION '%s'"
                .formatted(format, path("t")));
  }

  void partitionedTable(String format) {
    rows().write().format(format).partitionBy("part").save(path("t"));
    lake()
        .sql(
            "CREATE TABLE t (id BIGINT, x FLOAT, part INT) USING %s PARTITIONED BY (part) LOCATION '%s'"
                .formatted(format, path("t")));
    lake().sql("MSCK REPAIR TABLE t");
  }

  void other() {
    rows().drop("part").write().parquet(path("other"));
    lake().read().parquet(path("other")).createOrReplaceTempView("other");
  }

  void catalog(Kind kind) {
    lake().conf().set("spark.sql.catalog.files", DroppingCatalog.class.getName());
    lake().conf().set("spark.sql.catalog.files.directory", dir.toString());
    lake().conf().set("spark.sql.catalog.files.tables", kind.toString().toUpperCase(Locale.ROOT));
  }

  DataFrameReader reader() {
    return reader(lake());
  }

  DataFrameReader reader(SparkSession session) {
    return session.read().format("tensorflow").option("model", model);
  }

  Dataset<Row> scored(String format, String path) {
    return reader().option("source", format).load(path);
  }

  static org.assertj.core.api.AbstractThrowableAssert<?, ? extends Throwable> assertRefused(
      ThrowingCallable command) {
    return assertThatThrownBy(command)
        .isInstanceOfSatisfying(
            TensorArrowException.class,
            e -> assertThat(e.code()).isEqualTo(ErrorCode.TA_OVERWRITE));
  }

  /** Looks at the files themselves. */
  void assertRowsAreThere(String format, String path) {
    assertThat(lake().read().format(format).load(path).selectExpr("id", "x").collectAsList())
        .containsExactlyInAnyOrderElementsOf(rows().selectExpr("id", "x").collectAsList());
  }
}
