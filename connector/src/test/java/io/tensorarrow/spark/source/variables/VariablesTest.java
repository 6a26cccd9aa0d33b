package io.tensorarrow.spark.source.variables;

import static io.tensorarrow.spark.testing.Copies.javaCopy;
import static io.tensorarrow.spark.testing.Copies.kryoCopy;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.tensor.DType;
import io.tensorarrow.spark.testing.CheckpointWriter;
import io.tensorarrow.spark.testing.SparkTestBase;
import io.tensorarrow.spark.testing.TestFileSystem;
import io.tensorarrow.spark.testing.TestFileSystem.Fault;
import io.tensorarrow.spark.testing.TestModels;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.apache.spark.sql.DataFrameReader;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.connector.read.PartitionReaderFactory;
import org.apache.spark.sql.execution.LocalTableScanExec;
import org.apache.spark.sql.execution.datasources.v2.BatchScanExec;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.tensorflow.proto.DataType;

/** What {@code variables} tells of models, in Java and in SQL. */
class VariablesTest extends SparkTestBase {
  private static final String DATA = "variables/variables.data-00000-of-00001";

  @TempDir Path dir;

  private static DataFrameReader reader(String model) {
    return spark().read().format("tensorflow").option("model", model).option("variables", "true");
  }

  private static Dataset<Row> variables(Path model) {
    return reader(model.toString()).load();
  }

  private Path model(CheckpointWriter variables) {
    Path model = TestModels.scale(dir);
    variables.write(model);
    return model;
  }

  private static Row one(Dataset<Row> variables, String name) {
    List<Row> rows = variables.where("name = '" + name + "'").collectAsList();
    assertThat(rows).hasSize(1);
    return rows.get(0);
  }

  private static byte[] bytes(int count) {
    byte[] bytes = new byte[count];
    new Random(count).nextBytes(bytes);
    return bytes;
  }

  @Test
  void eachVariableIsARow() {
    Dataset<Row> rows = variables(TestModels.mlp(dir));

    assertThat(rows.schema().toDDL())
        .isEqualTo(
            "name STRING NOT NULL,dtype STRING NOT NULL,shape ARRAY<BIGINT> NOT NULL,"
                + "tensor BINARY NOT NULL");
    assertThat(rows.selectExpr("name", "dtype", "shape", "length(tensor)").collectAsList())
        .extracting(Row::toString)
        .containsExactly(
            "[hidden/kernel,float32,WrappedArray(8, 4),128]",
            "[hidden/bias,float32,WrappedArray(4),16]",
            "[output/kernel,float32,WrappedArray(4, 3),48]",
            "[output/bias,float32,WrappedArray(3),12]");
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      mode = EnumSource.Mode.EXCLUDE,
      names = {"STRING", "RESOURCE", "VARIANT"})
  void everyDtypeIsReturnedAsBytes(DType dtype) {
    byte[] bytes = bytes(6 * dtype.byteSize());
    // Not all have a name in Java's protos.
    CheckpointWriter writer =
        new CheckpointWriter()
            .add("w", DataType.DT_INT8, bytes, 2, 3)
            .change("w", entry -> entry.setDtypeValue(dtype.number()));
    Row row = one(variables(model(writer)), "w");
    assertThat(row.getString(1)).isEqualTo(dtype.numpyName());
    assertThat(row.<byte[]>getAs("tensor")).isEqualTo(bytes);
    assertThat(row.getList(2)).isEqualTo(List.of(2L, 3L));
  }

  @Test
  void elementsAreLittleEndianAndRowMajor() {
    Path model =
        model(
            new CheckpointWriter()
                .add("matrix", new float[] {1, 2, 3, 4}, 2, 2)
                .add("scalar", new float[] {5})
                .add("nothing", new float[0], 0, 3));
    ByteBuffer expected = ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN);
    expected.putFloat(1).putFloat(2).putFloat(3).putFloat(4);
    assertThat(one(variables(model), "matrix").<byte[]>getAs("tensor")).isEqualTo(expected.array());
    assertThat(one(variables(model), "scalar").toString())
        .startsWith("[scalar,float32,WrappedArray(),");
    assertThat(one(variables(model), "nothing").<byte[]>getAs("tensor")).isEmpty();
  }

  @Test
  void everyDataFileIsRead() {
    CheckpointWriter writer = new CheckpointWriter();
    for (int i = 0; i < 30; i++) {
      (i % 10 == 9 ? writer.shard() : writer).add("w" + i, DataType.DT_UINT8, bytes(i), i);
    }
    List<Row> rows = variables(model(writer)).collectAsList();
    assertThat(rows).hasSize(30);
    for (Row row : rows) {
      int size = Integer.parseInt(row.getString(0).substring(1));
      assertThat(row.<byte[]>getAs("tensor")).isEqualTo(bytes(size));
    }
  }

  @Test
  void largeCheckpointIsSplitIntoRanges() {
    int large = (int) VariablesScan.PARTITION_BYTES / 2 + 1;
    CheckpointWriter writer = new CheckpointWriter();
    for (int i = 0; i < 3; i++) {
      writer
          .add("large" + i, DataType.DT_INT8, new byte[large], large)
          .add("small" + i, new float[] {i}, 1);
    }
    Dataset<Row> rows = variables(model(writer)).selectExpr("name", "length(tensor)");
    assertThat(rows.rdd().getNumPartitions()).isEqualTo(3);
    assertThat(rows.collectAsList())
        .extracting(Row::toString)
        .containsExactly(
            "[large0," + large + "]",
            "[small0,4]",
            "[large1," + large + "]",
            "[small1,4]",
            "[large2," + large + "]",
            "[small2,4]");
  }

  @Test
  void withoutTheTensorNoDataIsRead() throws IOException {
    Path model = TestModels.mlp(dir);
    // Of the right length, but with other bytes.
    Files.write(model.resolve(DATA), new byte[(int) Files.size(model.resolve(DATA))]);
    Dataset<Row> rows = variables(model);

    assertThat(rows.select("shape", "name").where("dtype = 'float32'").collectAsList()).hasSize(4);
    assertThat(rows.count()).isEqualTo(4);
    assertThat(rows.select("name").queryExecution().executedPlan())
        .isInstanceOf(LocalTableScanExec.class);
    assertThatThrownBy(() -> rows.select("tensor").collectAsList())
        .hasMessageContaining("[TA_MODEL_CORRUPT] Cannot read model '")
        .hasMessageContaining(
            "another checksum than in variables.index for variable 'hidden/kernel'");
  }

  @Test
  void onlyVariablesSelectedByNameAreRead() {
    Path model =
        model(
            new CheckpointWriter()
                .add("dense/kernel", new float[] {1}, 1)
                .add("dense/bias", new float[] {2}, 1)
                .change("dense/bias", entry -> entry.setCrc32C(0))
                .add("other/kernel", new float[] {3}, 1)
                .add("big", DataType.DT_VARIANT, new byte[3]));
    for (String filter :
        new String[] {
          "name = 'dense/kernel'",
          "name in ('dense/kernel', 'unknown')",
          "name like 'dense/k%'",
          "name like '%se/kernel'",
          "name like '%se/ke%'",
          "name not in ('dense/bias', 'big', 'other/kernel')",
          "name like '%/kernel' and name <> 'other/kernel'",
          "name = 'dense/kernel' and length(tensor) = 4 and dtype = 'float32'",
        }) {
      assertThat(variables(model).where(filter).collectAsList())
          .as(filter)
          .singleElement()
          .satisfies(row -> assertThat(row.getString(0)).isEqualTo("dense/kernel"));
    }
    assertThat(variables(model).where("name = 'big' or dtype = 'variant'").select("name").count())
        .isEqualTo(1);
    assertThat(variables(model).where("name = 'unknown'").collectAsList()).isEmpty();
    assertThat(variables(model).where("name is null").collectAsList()).isEmpty();
    assertThat(variables(model).where("name <=> 'dense/kernel'").count()).isEqualTo(1);
  }

  @Test
  void variableWithoutBytesIsRefusedBeforeAnyTask() {
    Path model =
        model(
            new CheckpointWriter()
                .add("w", new float[] {1}, 1)
                .add("table", DataType.DT_VARIANT, new byte[3]));
    assertThatThrownBy(() -> variables(model).collectAsList())
        .isInstanceOfSatisfying(
            TensorArrowException.class,
            e -> assertThat(e.code()).isEqualTo(ErrorCode.TA_VARIABLE_UNSUPPORTED))
        .hasMessageContaining("Cannot read variable 'table' of model '")
        .hasMessageContaining("found variant; expected numbers, booleans or strings");
    assertThat(variables(model).where("name <> 'table'").collectAsList()).hasSize(1);
    assertThat(variables(model).select("name", "dtype").collectAsList())
        .extracting(Row::toString)
        .containsExactly("[w,float32]", "[table,variant]");
  }

  @Test
  void remoteVariablesAreReadInPlace() throws IOException {
    Path model = TestModels.mlp(dir);
    Path log = dir.resolve("opened.txt");
    int before = TestFileSystem.connections();
    Dataset<Row> remote =
        reader("test:" + model).options(TestFileSystem.options(Fault.NONE, log)).load();

    assertThat(remote.select("name").collectAsList()).hasSize(4);
    assertThat(TestFileSystem.opened(log, DATA)).isZero();
    assertThat(remote.exceptAll(variables(model)).collectAsList()).isEmpty();
    assertThat(remote.where("name = 'output/bias'").collectAsList()).hasSize(1);
    // One task each, in one go.
    assertThat(TestFileSystem.opened(log, DATA)).isEqualTo(2);
    assertThat(TestFileSystem.connections()).isEqualTo(before);
  }

  @ParameterizedTest
  @EnumSource(
      value = Fault.class,
      names = {"CUT", "DENIED", "TIMEOUT"})
  void failingFileSystemIsAnErrorWithoutSecrets(Fault fault) {
    Path model = TestModels.mlp(dir);
    Dataset<Row> remote =
        reader("test:" + model)
            .options(TestFileSystem.options(fault, dir.resolve("opened.txt")))
            .load();
    int before = TestFileSystem.connections();
    assertThatThrownBy(remote::collectAsList)
        .hasMessageContaining(fault == Fault.CUT ? "[TA_MODEL_CORRUPT]" : "[TA_MODEL_FETCH]")
        .hasMessageNotContaining(TestFileSystem.SECRET);
    assertThat(TestFileSystem.connections()).isEqualTo(before);
  }

  @Test
  void partitionsAndFactorySerializeByJavaAndKryo() throws Exception {
    Dataset<Row> remote =
        reader("test:" + TestModels.mlp(dir))
            .options(TestFileSystem.options(Fault.NONE, dir.resolve("opened.txt")))
            .load();
    VariablesScan scan =
        (VariablesScan)
            ((BatchScanExec) remote.queryExecution().sparkPlan().collectLeaves().head()).scan();
    PartitionReaderFactory factory = scan.createReaderFactory();
    assertThat(javaCopy(factory)).isEqualTo(factory).hasSameHashCodeAs(factory);
    assertThat(kryoCopy(factory)).isEqualTo(factory);
    VariablesPartition partition = (VariablesPartition) scan.planInputPartitions()[0];
    assertThat(javaCopy(partition)).isEqualTo(partition);
    assertThat(kryoCopy(partition)).isEqualTo(partition);
    assertThat(remote.queryExecution().toString() + scan + factory)
        .doesNotContain(TestFileSystem.SECRET);
  }

  @Test
  void variablesAreThoseOfTheChosenVersion() throws IOException {
    Path versions = dir.resolve("versions");
    for (int version : List.of(2, 10)) {
      Path model = TestModels.scaleBy(versions.resolve(Integer.toString(version)), version);
      new CheckpointWriter().add("v" + version, new float[] {version}, 1).write(model);
    }
    assertThat(variables(versions).select("name").head().getString(0)).isEqualTo("v10");
    assertThat(reader(versions.toString()).option("version", 2).load().head().getString(0))
        .isEqualTo("v2");
  }

  @Test
  void modelWithoutVariablesHasNoRows() {
    assertThat(variables(TestModels.scale(dir)).collectAsList()).isEmpty();
    assertThat(variables(TestModels.scale(dir)).count()).isZero();
  }

  @Test
  void inspectAndVariablesTogetherAreAnError() {
    String model = TestModels.scale(dir).toString();
    assertThatThrownBy(() -> reader(model).option("inspect", true).load())
        .hasMessage(
            "[TA_UNSUPPORTED] Cannot use option 'variables': found 'inspect' as well; expected only"
                + " one of them");
  }

  @Test
  void variablesWorkInSql() {
    spark()
        .sql(
            "create temporary view weights using tensorflow options (model '"
                + TestModels.mlp(dir)
                + "', variables 'true')");
    try {
      assertThat(
              spark()
                  .sql("select name from weights where size(shape) = 2 and length(tensor) > 100")
                  .collectAsList())
          .extracting(Row::toString)
          .containsExactly("[hidden/kernel]");
      Row[] twice =
          (Row[])
              spark().sql("select * from weights a join weights b on a.name = b.name").collect();
      assertThat(Arrays.stream(twice)).hasSize(4);
    } finally {
      spark().catalog().dropTempView("weights");
    }
  }
}
