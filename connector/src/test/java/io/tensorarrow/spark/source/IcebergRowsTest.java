package io.tensorarrow.spark.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tensorarrow.spark.testing.LakeTestBase;
import io.tensorarrow.spark.testing.TestModels;
import java.io.IOException;
import java.util.List;
import org.apache.iceberg.DeleteFile;
import org.apache.iceberg.FileFormat;
import org.apache.iceberg.Schema;
import org.apache.iceberg.Table;
import org.apache.iceberg.data.GenericAppenderFactory;
import org.apache.iceberg.data.GenericRecord;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.deletes.EqualityDeleteWriter;
import org.apache.iceberg.encryption.EncryptedFiles;
import org.apache.iceberg.encryption.EncryptionKeyMetadata;
import org.apache.iceberg.io.OutputFile;
import org.apache.iceberg.spark.Spark3Util;
import org.apache.spark.sql.DataFrameReader;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Iceberg's rows may be wider than what was asked for, above all where rows were deleted. */
class IcebergRowsTest extends LakeTestBase {
  private static final String TABLE = "ice.db.t";

  private String model = "";

  @BeforeEach
  void writeModel() throws IOException {
    model = TestModels.scale(dir).toString();
  }

  @AfterEach
  void defaults() {
    lake().conf().unset("spark.sql.adaptive.enabled");
  }

  private void createTable(String format) {
    lake()
        .sql(
            "CREATE TABLE %s (id BIGINT, x FLOAT, xs ARRAY<FLOAT>, s STRUCT<a: INT, b: STRING>, part INT) USING iceberg PARTITIONED BY (part) TBLPROPERTIES ('format-version'='2', 'write.format.default'='%s', 'write.delete.mode'='merge-on-read', 'write.update.mode'='merge-on-read', 'write.merge.mode'='merge-on-read')"
                .formatted(TABLE, format));
    insert(0, 100);
  }

  private void insert(int from, int to) {
    lake()
        .sql(
            "INSERT INTO %s SELECT id, cast(id as float), array(cast(id as float), 1f), named_struct('a', cast(id as int), 'b', concat('b', id)), cast(id %% 2 as int) FROM range(%d, %d)"
                .formatted(TABLE, from, to));
  }

  private DataFrameReader reader() {
    return lake().read().format("tensorflow").option("model", model).option("source", "iceberg");
  }

  private Dataset<Row> scored() {
    return reader().load(TABLE);
  }

  /** Compares with what Spark's own read of the table says. */
  private void assertRowsAreThoseOfSpark(long count) {
    List<Row> expected = lake().table(TABLE).selectExpr("*", "x * 2 as y").collectAsList();

    assertThat(expected).hasSize((int) count);
    assertThat(scored().collectAsList()).containsExactlyInAnyOrderElementsOf(expected);
    assertThat(scored().selectExpr("s.b", "y", "xs").collectAsList())
        .containsExactlyInAnyOrderElementsOf(
            lake().table(TABLE).selectExpr("s.b", "x * 2 as y", "xs").collectAsList());
    assertThat(scored().where("id > 50 and y < 190").select("id", "y").collectAsList())
        .containsExactlyInAnyOrderElementsOf(
            lake()
                .table(TABLE)
                .where("id > 50 and x * 2 < 190")
                .selectExpr("id", "x * 2 as y")
                .collectAsList());
    assertThat(scored().select("y").collectAsList()).hasSize((int) count);
  }

  @ParameterizedTest
  @CsvSource({"parquet, true", "parquet, false", "orc, true", "avro, true"})
  void rowsDeletedOnMergeOnReadAreGone(String format, boolean adaptive) {
    lake().conf().set("spark.sql.adaptive.enabled", adaptive);
    createTable(format);
    lake().sql("DELETE FROM %s WHERE id %% 5 = 0".formatted(TABLE));
    assertRowsAreThoseOfSpark(80);

    lake().sql("UPDATE %s SET x = x + 1000, xs = array(x) WHERE id %% 5 = 1".formatted(TABLE));
    assertRowsAreThoseOfSpark(80);

    lake()
        .sql(
            "MERGE INTO %s t USING (SELECT id, cast(id as float) as x FROM range(90, 110)) u ON t.id = u.id WHEN MATCHED AND t.id %% 2 = 0 THEN DELETE WHEN MATCHED THEN UPDATE SET x = -u.x WHEN NOT MATCHED THEN INSERT (id, x, xs, s, part) VALUES (u.id, u.x, array(u.x), null, 7)"
                .formatted(TABLE));
    assertRowsAreThoseOfSpark(lake().table(TABLE).count());
  }

  @ParameterizedTest
  @ValueSource(strings = {"PARQUET", "ORC", "AVRO"})
  void rowsOfEqualityDeletesAreGone(FileFormat format) throws Exception {
    createTable("parquet");
    deleteByEquality(format, 3L, 50L, 98L);

    assertRowsAreThoseOfSpark(97);
    assertThat(scored().where("id in (3, 50, 98)").count()).isZero();
  }

  /** Spark itself writes no equality deletes; Flink does. */
  private void deleteByEquality(FileFormat format, long... ids) throws Exception {
    Table table = Spark3Util.loadIcebergTable(lake(), TABLE);
    Schema byId = table.schema().select("id");
    int[] columns = {table.schema().findField("id").fieldId()};
    for (int part = 0; part < 2; part++) {
      OutputFile file =
          table
              .io()
              .newOutputFile(
                  table.locationProvider().newDataLocation(format.addExtension("eq-" + part)));
      GenericRecord partition = GenericRecord.create(table.spec().partitionType());
      partition.set(0, part);
      EqualityDeleteWriter<Record> writer =
          new GenericAppenderFactory(table.schema(), table.spec(), columns, byId, null)
              .newEqDeleteWriter(
                  EncryptedFiles.encryptedOutput(file, EncryptionKeyMetadata.EMPTY),
                  format,
                  partition);
      try (writer) {
        for (long id : ids) {
          GenericRecord row = GenericRecord.create(byId);
          row.setField("id", id);
          writer.write(row);
        }
      }
      DeleteFile deletes = writer.toDeleteFile();
      table.newRowDelta().addDeletes(deletes).commit();
    }
  }

  @Test
  void addedDroppedAndChangedColumnsAreRead() {
    createTable("parquet");
    lake().sql("ALTER TABLE %s ADD COLUMN extra STRING FIRST".formatted(TABLE));
    lake().sql("ALTER TABLE %s RENAME COLUMN xs TO ys".formatted(TABLE));
    lake().sql("ALTER TABLE %s ALTER COLUMN part TYPE BIGINT".formatted(TABLE));
    lake().sql("ALTER TABLE %s DROP COLUMN s".formatted(TABLE));
    lake().sql("DELETE FROM %s WHERE id < 10".formatted(TABLE));
    lake().sql("INSERT INTO %s VALUES ('e', 500, 500f, array(5f), 1)".formatted(TABLE));

    assertThat(scored().collectAsList())
        .hasSize(91)
        .containsExactlyInAnyOrderElementsOf(
            lake().table(TABLE).selectExpr("*", "x * 2 as y").collectAsList());
  }

  @Test
  void earlierSnapshotsBranchesAndTagsAreRead() throws Exception {
    createTable("orc");
    long first = Spark3Util.loadIcebergTable(lake(), TABLE).currentSnapshot().snapshotId();
    lake().sql("ALTER TABLE %s CREATE TAG before".formatted(TABLE));
    lake().sql("ALTER TABLE %s CREATE BRANCH side".formatted(TABLE));
    lake().sql("DELETE FROM %s WHERE id < 60".formatted(TABLE));
    lake().sql("DELETE FROM %s.branch_side WHERE id >= 60".formatted(TABLE));

    assertThat(sums(scored())).isEqualTo(sums("id >= 60"));
    assertThat(sums(reader().option("source.snapshot-id", first).load(TABLE)))
        .isEqualTo(sums("id >= 0"));
    assertThat(sums(reader().option("source.tag", "before").load(TABLE)))
        .isEqualTo(sums("id >= 0"));
    assertThat(sums(reader().option("source.branch", "side").load(TABLE)))
        .isEqualTo(sums("id < 60"));
  }

  @Test
  void viewFollowsSnapshotsAndNewColumns() {
    createTable("parquet");
    lake()
        .sql(
            "CREATE OR REPLACE TEMPORARY VIEW scored USING tensorflow OPTIONS (model '%s', source 'iceberg', path '%s')"
                .formatted(model, TABLE));
    assertThat(sums(lake().table("scored"))).isEqualTo(sums("id >= 0"));

    lake().sql("DELETE FROM %s WHERE id < 60".formatted(TABLE));
    lake().sql("ALTER TABLE %s ADD COLUMN extra STRING FIRST".formatted(TABLE));

    assertThat(sums(lake().table("scored"))).isEqualTo(sums("id >= 60"));
    assertThat(lake().table("scored").columns()).containsExactly("id", "x", "xs", "s", "part", "y");
  }

  @Test
  void viewOverDroppedColumnsIsAnError() {
    createTable("parquet");
    Dataset<Row> scored = scored();
    lake().sql("ALTER TABLE %s DROP COLUMN xs".formatted(TABLE));
    lake().sql("ALTER TABLE %s ALTER COLUMN part TYPE BIGINT".formatted(TABLE));

    assertThatThrownBy(() -> scored.select("y").count())
        .hasMessageStartingWith(
            "[TA_SOURCE_CHANGED] Cannot read source 'iceberg': found columns {id BIGINT,x FLOAT,s STRUCT<a: INT, b: STRING>,part BIGINT}; expected also {`xs` ARRAY<FLOAT>, `part` INT}");
  }

  private static Row sums(Dataset<Row> scored) {
    return scored.selectExpr("count(*)", "sum(y)", "sum(size(xs))").first();
  }

  private Row sums(String condition) {
    return lake()
        .range(100)
        .where(condition)
        .selectExpr("count(*)", "sum(cast(id as float) * 2)", "sum(2)")
        .first();
  }

  @ParameterizedTest
  @ValueSource(strings = {"files", "entries", "all_data_files", "partitions", "snapshots"})
  void metadataTablesAreReadAsSparkReadsThem(String metadata) {
    createTable("parquet");
    lake().sql("DELETE FROM %s WHERE id < 10".formatted(TABLE));
    String number =
        switch (metadata) {
          case "entries" -> "sequence_number";
          case "snapshots" -> "snapshot_id";
          default -> "record_count";
        };
    Dataset<Row> plain = lake().table(TABLE + "." + metadata);

    Dataset<Row> read =
        reader()
            .option("inputs", "x=" + number)
            .option("cast", "unsafe")
            .load(TABLE + "." + metadata);

    assertThat(read.select(number, "y").collectAsList())
        .isNotEmpty()
        .containsExactlyInAnyOrderElementsOf(
            plain
                .selectExpr(number, "cast(%s as float) * 2 as y".formatted(number))
                .collectAsList());
    // As text, since arrays of bytes are not equal by their content.
    assertThat(read.drop("y").selectExpr("cast(struct(*) as string)").collectAsList())
        .containsExactlyInAnyOrderElementsOf(
            plain.selectExpr("cast(struct(*) as string)").collectAsList());
  }
}
