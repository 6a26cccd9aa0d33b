package io.tensorarrow.spark.source;

import static io.tensorarrow.spark.source.DtypeSample.texts;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.tensorarrow.spark.testing.BatchModels;
import io.tensorarrow.spark.testing.ConstantModels;
import io.tensorarrow.spark.testing.FailingModels;
import io.tensorarrow.spark.testing.LakeTestBase;
import io.tensorarrow.spark.testing.OddModels;
import io.tensorarrow.spark.testing.TestModels;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.spark.SparkException;
import org.apache.spark.sql.DataFrameReader;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.tensorflow.proto.DataType;

/** Errors in a task tell the file, the split and the row, and what can be done about it. */
class TaskErrorsTest extends LakeTestBase {
  /** The row that fails: row 17 of the third file of 100 rows. */
  private static final int BAD = 217;

  private static final String NULL_FOUND =
      "[TA_NULL_INPUT] Cannot feed column 'x' to tensor 'x' float32 (-1,): found a null in ";

  /** What PySpark says before the message of the exception; the rest of 600 characters is ours. */
  private static final int PYTHON_PREFIX = 90;

  private String data = "";

  /** Writes a table, its rows in the order of {@code id}. */
  private void write(String format, int rows, int files, String... columns) {
    Dataset<Row> table = lake().range(0, rows, 1, files).selectExpr(columns);
    if (format.equals("iceberg")) {
      data = "ice.db.t";
      lake().sql("create namespace if not exists ice.db");
      table.writeTo(data).using("iceberg").createOrReplace();
    } else {
      data = dir.resolve("data").toString();
      table.write().format(format).option("parquet.block.size", 4096).save(data);
    }
  }

  private void writeWithNull(String format) {
    write(format, 400, 4, "id", "if(id = " + BAD + ", null, cast(id as float)) as x");
  }

  private DataFrameReader reader(String format, Path model) {
    return lake()
        .read()
        .format("tensorflow")
        .option("source", format)
        .option("model", model.toString());
  }

  /**
   * A row's place, as plain Spark has it.
   *
   * @param row its number among the rows of the split
   */
  private record Place(String file, long start, long length, long row) {
    static Place of(Dataset<Row> plain, long id) {
      List<Row> all =
          plain
              .selectExpr(
                  "id",
                  "input_file_name()",
                  "input_file_block_start()",
                  "input_file_block_length()")
              .collectAsList();
      Row bad = all.stream().filter(row -> row.getLong(0) == id).findFirst().orElseThrow();
      long before =
          all.stream()
              .filter(row -> row.getString(1).equals(bad.getString(1)))
              .filter(row -> row.getLong(2) == bad.getLong(2))
              .filter(row -> row.getLong(0) < id)
              .count();
      return new Place(bad.getString(1), bad.getLong(2), bad.getLong(3), before);
    }

    String ofSplit() {
      return " of split " + start + "+" + length + " of '" + file + "'";
    }
  }

  private Place place(String format) {
    Dataset<Row> plain =
        format.equals("iceberg")
            ? lake().table(data).select("id")
            : lake().read().format(format).load(data);
    return Place.of(plain, BAD);
  }

  private static void failsEarly(Dataset<Row> query, String place) {
    Throwable thrown = catchThrowable(query::collectAsList);
    assertThat(thrown).isInstanceOf(SparkException.class).hasMessageContaining(place);
    assertThat(String.valueOf(thrown.getMessage()).indexOf(place) + place.length())
        .isLessThan(600 - PYTHON_PREFIX);
  }

  @ParameterizedTest
  @CsvSource({
    "parquet, true",
    "parquet, false",
    "orc, true",
    "json, true",
    "iceberg, true",
    "iceberg, false"
  })
  void rowIsNamedByFileAndSplit(String format, boolean adaptive) throws IOException {
    lake().conf().set("spark.sql.adaptive.enabled", adaptive);
    lake().conf().set("spark.sql.files.minPartitionNum", 1);
    writeWithNull(format);
    Dataset<Row> scored = reader(format, TestModels.scale(dir)).load(data);
    Place place = place(format);

    assertThat(scored.select("id").javaRDD().getNumPartitions()).isEqualTo(1);
    assertThat(place.row()).isEqualTo(17);
    failsEarly(scored.groupBy("y").count(), NULL_FOUND + "row 17" + place.ofSplit());
    assertThatThrownBy(() -> scored.select("y").collectAsList())
        .hasMessageContaining(
            place.ofSplit() + "; expected a value in each row: a filter such as where(")
        .hasMessageContaining("rows are counted from 0");
  }

  @ParameterizedTest
  @ValueSource(strings = {"parquet", "orc", "json", "iceberg"})
  void filtersDoNotChangeRowNumbers(String format) throws IOException {
    writeWithNull(format);
    Dataset<Row> scored = reader(format, TestModels.scale(dir)).option("batchRows", 7).load(data);

    failsEarly(
        scored.where("id % 2 = 1 and id > 3").select("y"),
        NULL_FOUND + "row 17" + place(format).ofSplit());
  }

  @ParameterizedTest
  @ValueSource(strings = {"parquet", "json", "csv"})
  void rowsAreNumberedPerSplit(String format) throws IOException {
    lake().conf().set("spark.sql.files.maxPartitionBytes", 20_000);
    write(
        format,
        4000,
        1,
        "id",
        "if(id = 3217, null, cast(id as float)) as x",
        "sha2(cast(id as string), 512) as filling");
    DataFrameReader reader = reader(format, TestModels.scale(dir)).option("source.header", false);
    Dataset<Row> scored =
        format.equals("csv")
            ? reader.option("source.inferSchema", true).option("inputs", "x=_c1").load(data)
            : reader.load(data);
    Dataset<Row> plain = lake().read().format(format).load(data);
    Place place =
        Place.of(format.equals("csv") ? plain.selectExpr("cast(_c0 as long) as id") : plain, 3217);

    assertThat(place.start()).isGreaterThan(100_000);
    assertThat(place.row()).isPositive();
    assertThatThrownBy(() -> scored.select("y").collectAsList())
        .hasMessageContaining("found a null in row " + place.row() + place.ofSplit());
  }

  @Test
  void rowsAreNumberedPerReader() throws IOException {
    writeWithNull("parquet");
    Dataset<Row> scored = reader("parquet", TestModels.scale(dir)).load(data);
    Dataset<Row> complete = scored.where("x is not null");
    Dataset<Row> query = complete.union(complete).union(scored).coalesce(1).selectExpr("sum(y)");

    failsEarly(query, NULL_FOUND + "row 17" + place("parquet").ofSplit());
  }

  @Test
  void rowsDroppedBelowANestedModelAreCounted() throws IOException {
    write("parquet", 400, 4, "id", "1f as x", "if(id = " + BAD + ", null, 1f) as z");
    Dataset<Row> scored =
        reader("tensorflow", TestModels.scale(dir))
            .option("inputs", "x=z")
            .option("outputs", "y=outer")
            .option("source.model", TestModels.scale(dir).toString())
            .option("source.batchRows", 5)
            .load(data);

    failsEarly(
        scored.where("id % 2 = 1").select("y", "outer"),
        "Cannot feed column 'z' to tensor 'x' float32 (-1,): found a null in row 17"
            + place("parquet").ofSplit());
  }

  @ParameterizedTest
  @ValueSource(strings = {"parquet", "json"})
  void failedModelCallNamesItsRows(String format) throws IOException {
    write(format, 400, 4, "id", "if(id = " + BAD + ", 0, 1) as x");
    Path model = FailingModels.failing(dir);
    Dataset<Row> scored =
        reader(format, model).option("batchRows", 10).option("cast", "unsafe").load(data);
    String split = place(format).ofSplit();

    // The model may have been loaded from another place, which the message names then.
    failsEarly(scored.select("y"), "/failing' for rows 10 to 19" + split + ": found ");
    failsEarly(
        scored.where("id % 2 = 1").select("y"), "/failing' for rows 1 to 19" + split + ": found ");
    assertThatThrownBy(() -> scored.select("y").collectAsList())
        .hasMessageContaining("[TA_MODEL_RUN] Cannot run signature 'serving_default' of model '");
  }

  @Test
  void wrongOutputNamesTheRowsOfItsCall() throws IOException {
    write("parquet", 400, 4, "id", "cast(id as float) as x");
    Dataset<Row> scored =
        reader("parquet", BatchModels.wrongBatch(dir)).load(data).where("id >= 200 and id < 300");

    failsEarly(scored.select("y"), " for rows 0 to 99" + place("parquet").ofSplit());
    assertThatThrownBy(() -> scored.select("y").collectAsList())
        .hasMessageContaining("[TA_OUTPUT_NOT_BATCHED] Cannot fetch tensor 'y' float32 (-1,) into");
  }

  @Test
  void rowOfAnOutputIsThatOfTheFile() {
    write("parquet", 400, 4, "id", "if(id = " + BAD + ", 1L, 0L) as which");
    Path model =
        ConstantModels.rowsOf(
            dir.resolve("model"),
            Map.of(
                "text",
                new ConstantModels.Rows(
                    texts("ok".getBytes(UTF_8), new byte[] {(byte) 0xff}),
                    DataType.DT_STRING,
                    -1)));
    Dataset<Row> scored =
        reader("parquet", model).option("inputs", "id=which").option("batchRows", 5).load(data);

    failsEarly(
        scored.where("id % 2 = 1").select("text"),
        "found bytes that are not valid UTF-8 in row 17" + place("parquet").ofSplit());
  }

  @Test
  void rowOfSourceWithoutFilesIsNamedByPartition() throws IOException {
    Dataset<Row> scored =
        reader(CustomSource.class.getName(), BatchModels.wrongBatch(dir))
            .option("batchRows", 40)
            .load();

    failsEarly(
        scored.select("y"), "found float32 (39,) for rows 0 to 39 of those read in partition 0; ");
    failsEarly(
        scored.where("id >= 50").select("y"), " for rows 50 to 89 of those read in partition 0; ");
  }

  @Test
  void errorsThatAreNotOfRowsNameNoFile() throws IOException {
    writeWithNull("parquet");
    Path model = TestModels.scaleBy(dir.resolve("changing"), 3.5f);
    Dataset<Row> scored = reader("parquet", model).load(data).where("x is not null");
    scored.queryExecution().executedPlan();
    TestModels.scaleBy(model, 4.5f);

    assertThatThrownBy(scored::collectAsList)
        .hasMessageContaining("[TA_MODEL_CHANGED]")
        .hasMessageNotContaining(" of split ");
  }

  /** Row 3 of each has the null; the message says how to leave it out. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "FLOAT     |          | if(id = 3, null, 1f)",
        "FLOAT     | 2        | if(id = 3, null, array(1f, 2f))",
        "FLOAT     | 2        | array(1f, if(id = 3, null, 2f))",
        "FLOAT     | 1, 2     | array(array(1f, if(id = 3, null, 2f)))",
        "FLOAT     | 2, 1     | array(array(1f), if(id = 3, null, array(1f)))",
        "FLOAT     | 1, 1, 2  | array(array(array(1f, if(id = 3, null, 2f))))",
        "COMPLEX64 |          | named_struct('re', 1f, 'im', if(id = 3, null, 2f))",
        "COMPLEX64 | 1        | array(named_struct('re', 1f, 'im', if(id = 3, null, 2f)))",
      })
  void filterSuggestedByTheMessageWorks(String dtype, String rowDims, String expression) {
    long[] dims =
        Pattern.compile(", ")
            .splitAsStream(rowDims == null ? "-1" : "-1, " + rowDims)
            .mapToLong(Long::parseLong)
            .toArray();
    Path same =
        OddModels.same(
            dir.resolve("same"),
            Map.of("x", new OddModels.Tensor(DataType.valueOf("DT_" + dtype), dims)));
    write("parquet", 10, 1, "id", expression + " as x");
    Dataset<Row> scored = reader("parquet", same).load(data);

    assertThat(
            scored.where(advised(scored).replace("column", "x")).select("same_x").collectAsList())
        .hasSize(9);
  }

  @Test
  void filterSuggestedForNullStructsWorks() throws IOException {
    write("parquet", 10, 1, "id", "if(id = 3, null, named_struct('x', 1f)) as s");
    Dataset<Row> scored =
        reader("parquet", TestModels.scale(dir)).option("inputs", "x=s.x").load(data);

    assertThat(scored.where(advised(scored).replace("struct", "s")).select("y").collectAsList())
        .hasSize(9);
  }

  private static String advised(Dataset<Row> scored) {
    Throwable thrown = catchThrowable(scored::collectAsList);
    Matcher filter =
        Pattern.compile("a filter such as where\\(\"(.*?)\"\\) drops").matcher(thrown.getMessage());
    assertThat(filter.find()).as(thrown.getMessage()).isTrue();
    return filter.group(1);
  }
}
