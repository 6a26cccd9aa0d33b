package io.tensorarrow.spark.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tensorarrow.spark.testing.LakeTestBase;
import io.tensorarrow.spark.testing.TestModels;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.spark.sql.DataFrameReader;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.types.StructType;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A schema describes the wrapped data; the outputs are added. */
class GivenSchemaTest extends LakeTestBase {
  private static final String DDL = "id BIGINT, x FLOAT, part STRING";

  private String model = "";

  @BeforeEach
  void writeModel() throws IOException {
    model = TestModels.scale(dir).toString();
  }

  private String write(String format) {
    String path = dir.resolve(format).toString();
    lake()
        .range(20)
        .selectExpr("id", "cast(id as float) as x", "id % 2 as part")
        .write()
        .format(format)
        .partitionBy("part")
        .save(path);
    return path;
  }

  private DataFrameReader reader(String source) {
    return lake().read().format("tensorflow").option("model", model).option("source", source);
  }

  private Dataset<Row> read(String api, String source, String path) {
    return switch (api) {
      case "reader" -> reader(source).schema(DDL).load(path);
      case "structure" -> reader(source).schema(StructType.fromDDL(DDL)).load(path);
      case "option" -> reader(source).option("source.schema", DDL).load(path);
      default -> {
        lake()
            .sql(
                "CREATE OR REPLACE TEMPORARY VIEW given (%s) USING tensorflow OPTIONS (model '%s', source '%s', path '%s')"
                    .formatted(DDL, model, source, path));
        yield lake().table("given");
      }
    };
  }

  @ParameterizedTest
  @CsvSource({
    "reader, csv",
    "structure, csv",
    "option, csv",
    "sql, csv",
    "reader, json",
    "option, json",
    "sql, json",
    "reader, parquet",
    "sql, orc"
  })
  void userSchemaNamesSourceColumnsAndOutputsAreAdded(String api, String source) {
    String path = write(source);

    Dataset<Row> scored = read(api, source, path);

    assertThat(scored.schema().toDDL()).startsWith("id BIGINT,x FLOAT,part STRING,y FLOAT");
    assertThat(scored.collectAsList())
        .hasSize(20)
        .containsExactlyInAnyOrderElementsOf(
            lake()
                .read()
                .format(source)
                .schema(DDL)
                .load(path)
                .selectExpr("*", "x * 2 as y")
                .collectAsList());
    assertThat(scored.where("part = '1' and y > 30").count()).isEqualTo(2);
  }

  @Test
  void userSchemaAvoidsInference() throws IOException {
    Path path = Files.createDirectories(dir.resolve("empty"));
    assertThatThrownBy(() -> reader("csv").load(path.toString()))
        .hasMessageContaining("Unable to infer schema");

    assertThat(reader("csv").schema(DDL).load(path.toString()).count()).isZero();
  }

  @Test
  void userSchemaReachesTheSourceOfAWrappedModel() {
    String path = write("csv");

    Dataset<Row> scored =
        reader("tensorflow")
            .option("source.model", model)
            .option("source.source", "csv")
            .option("source.outputs", "y=y1")
            .schema(DDL)
            .load(path);

    assertThat(scored.schema().toDDL()).startsWith("id BIGINT,x FLOAT,part STRING,y1 FLOAT");
    assertThat(scored.selectExpr("sum(y1)", "sum(y)").first())
        .extracting(row -> row.getDouble(0), row -> row.getDouble(1))
        .containsExactly(380.0, 380.0);
  }

  @Test
  void userSchemaIsRefusedForSourceWithOwnColumns() {
    lake().sql("CREATE TABLE ice.db.t (id BIGINT, x FLOAT) USING iceberg");

    for (String api : new String[] {"reader", "option", "sql"}) {
      assertThatThrownBy(() -> read(api, "iceberg", "ice.db.t"))
          .as(api)
          .hasMessageContaining("[TA_SOURCE_UNSUPPORTED] Cannot give a schema to source 'iceberg'");
    }
  }

  @Test
  void userSchemaThatDoesNotFitIsAnError() {
    String path = write("csv");

    assertThatThrownBy(() -> reader("csv").schema("id BIGINT, y FLOAT, x FLOAT").load(path))
        .hasMessageStartingWith("[TA_COLUMN_CLASH]");
    assertThatThrownBy(() -> reader("csv").schema("id BIGINT").load(path))
        .hasMessageStartingWith("[TA_INPUT_MISMATCH]");
    assertThatThrownBy(() -> reader("csv").schema("id BIGINT, x DATE").load(path))
        .hasMessageStartingWith("[TA_INPUT_TYPE]");
    assertThatThrownBy(() -> reader("csv").option("source.schema", "id BIGINT,, x").load(path))
        .hasMessageStartingWith(
            "[TA_OPTION_INVALID] Cannot use option 'source.schema': found 'id BIGINT,, x'");
    assertThatThrownBy(
            () -> reader("csv").option("source.schema", "id BIGINT, x VARCHAR(3)").load(path))
        .hasMessageStartingWith("[TA_OPTION_INVALID] Cannot use option 'source.schema'")
        .hasMessageContaining("without CHAR and VARCHAR");
    assertThatThrownBy(() -> reader("csv").option("source.schema", DDL).schema(DDL).load(path))
        .hasMessageStartingWith("[TA_UNSUPPORTED] Cannot use option 'source.schema'");
    assertThatThrownBy(() -> reader("csv").schema(DDL).load(dir.resolve("none").toString()))
        .hasMessageContaining("PATH_NOT_FOUND");
    assertThatThrownBy(() -> reader("csv").option("inspect", true).schema(DDL).load())
        .hasMessageStartingWith("[TA_UNSUPPORTED] Cannot give a schema with option 'inspect'");
    assertThatThrownBy(() -> reader("csv").option("variables", true).schema(DDL).load())
        .hasMessageStartingWith("[TA_UNSUPPORTED] Cannot give a schema with option 'variables'");
  }

  @ParameterizedTest
  @CsvSource({
    "source.shema, source.schema",
    "source.batchRow, batchRows",
    "source.batchRows, batchRows",
    "source.inputs, inputs",
    "sorce.header, source.header",
    "soure.schema, source.schema"
  })
  void misspeltSourceOptionIsRefusedWithASuggestion(String misspelt, String meant) {
    String path = write("csv");

    assertThatThrownBy(() -> reader("csv").option(misspelt, "1").load(path))
        .hasMessageStartingWith("[TA_OPTION_UNKNOWN] Cannot use option '" + misspelt)
        .hasMessageContaining("(did you mean '" + meant + "'?)");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "mode",
        "header",
        "mergeSchema",
        "pathGlobFilter",
        "locale",
        "escape",
        "some.other"
      })
  void otherOptionsArePassedOn(String option) {
    String path = write("csv");
    String value =
        switch (option) {
          case "mode" -> "PERMISSIVE";
          case "pathGlobFilter" -> "*.csv";
          case "escape" -> "\\";
          case "locale" -> "en-US";
          default -> "false";
        };

    assertThat(reader("csv").schema(DDL).option("source." + option, value).load(path).count())
        .isEqualTo(20);
  }
}
