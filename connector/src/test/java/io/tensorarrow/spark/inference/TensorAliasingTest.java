package io.tensorarrow.spark.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tensorarrow.spark.model.ModelReference;
import io.tensorarrow.spark.model.savedmodel.SavedModelFile;
import io.tensorarrow.spark.options.ReadOptions;
import io.tensorarrow.spark.tensor.NativeTensor;
import io.tensorarrow.spark.tensor.vector.RowSelection;
import io.tensorarrow.spark.testing.AliasModels;
import io.tensorarrow.spark.testing.AliasModels.Tensor;
import io.tensorarrow.spark.testing.SparkTestBase;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.apache.spark.sql.execution.vectorized.OnHeapColumnVector;
import org.apache.spark.sql.execution.vectorized.WritableColumnVector;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.util.ArrowUtils;
import org.apache.spark.sql.util.CaseInsensitiveStringMap;
import org.apache.spark.sql.vectorized.ColumnVector;
import org.apache.spark.sql.vectorized.ColumnarBatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.tensorflow.proto.DataType;

/** Columns over memory that inputs, other outputs or the model itself have a share in. */
class TensorAliasingTest extends SparkTestBase {
  private static final String MAX = "spark.tensorarrow.allowOps.max";
  private static final StructType SCHEMA =
      new StructType()
          .add("id", DataTypes.LongType)
          .add("before", DataTypes.LongType)
          .add("x", DataTypes.FloatType)
          .add("text", DataTypes.StringType);

  @TempDir Path dir;

  @BeforeEach
  void allowAll() {
    spark().sparkContext().conf().set(MAX, "*");
  }

  @AfterEach
  void forbid() {
    spark().sparkContext().conf().remove(MAX);
  }

  private static BatchInference inference(
      Path model, Map<String, String> options, String... allowedOps) {
    SavedModelFile file = SavedModelFile.read(model);
    ModelReference reference =
        new ModelReference(
            file.location(), file.fingerprint(), List.of("serve"), List.of(allowedOps));
    InferenceSpec spec =
        new SignatureBinder(
                reference, file.graph(List.of("serve")).signature(Optional.empty()), SCHEMA)
            .bind(ReadOptions.of(new CaseInsensitiveStringMap(options)));
    return new BatchInference(spec, SCHEMA);
  }

  /** Rows whose ids begin with {@code first}; those before are {@code rows} less. */
  private static ColumnarBatch batch(int first, int rows) {
    WritableColumnVector[] columns = OnHeapColumnVector.allocateColumns(rows, SCHEMA);
    for (int i = 0; i < rows; i++) {
      columns[0].putLong(i, first + i);
      columns[1].putLong(i, first + i - rows);
      columns[2].putFloat(i, first + i);
      columns[3].putByteArray(i, text(first + i).getBytes(StandardCharsets.UTF_8));
    }
    return new ColumnarBatch(columns, rows);
  }

  /** Of all lengths around the one from which on a text has memory of its own. */
  private static String text(long id) {
    return "x".repeat((int) (id % 40)) + id;
  }

  private static List<ColumnVector> run(BatchInference inference, int first, int rows) {
    try (ColumnarBatch batch = batch(first, rows)) {
      return inference.run(batch, RowSelection.range(0, rows));
    }
  }

  private static List<Float> floats(ColumnVector column, int rows) {
    return IntStream.range(0, rows).mapToObj(column::getFloat).toList();
  }

  @Test
  void outputsAliasingAnInputOutliveIt() {
    Path model =
        AliasModels.echo(
            dir,
            Map.of(
                "x", new Tensor(DataType.DT_FLOAT, -1),
                "text", new Tensor(DataType.DT_STRING, -1)));
    int rows = 100;
    try (BatchInference inference = inference(model, Map.of())) {
      List<ColumnVector> first = run(inference, 0, rows);
      List<ColumnVector> second = run(inference, 1000, rows);
      // By name: text_again, text_out, x_again, x_out.
      for (int closed = 0; closed < 4; closed++) {
        first.get(closed).close();
        for (int open = closed + 1; open < 4; open++) {
          check(first.get(open), open < 2, 0, rows);
        }
        check(second.get(closed), closed < 2, 1000, rows);
      }
      second.forEach(ColumnVector::close);
    }
  }

  private static void check(ColumnVector column, boolean texts, int first, int rows) {
    for (int i = 0; i < rows; i++) {
      if (texts) {
        assertThat(column.getUTF8String(i).toString()).isEqualTo(text(first + i));
      } else {
        assertThat(column.getFloat(i)).isEqualTo(first + i);
      }
    }
  }

  @Test
  void tensorsMadeBeforeAnErrorAreFreed() {
    Path model =
        AliasModels.echo(
            dir,
            Map.of(
                "a", new Tensor(DataType.DT_FLOAT, -1), "b", new Tensor(DataType.DT_STRING, -1)));
    long tensors = NativeTensor.live();
    try (BatchInference inference = inference(model, Map.of("inputs", "a=x, b=text"));
        ColumnarBatch batch = batch(0, 100)) {
      WritableColumnVector texts = (WritableColumnVector) batch.column(3);
      texts.putByteArray(99, new byte[] {(byte) 0xff});
      assertThatThrownBy(() -> inference.run(batch, RowSelection.range(0, 100)))
          .hasMessageStartingWith("[TA_OUTPUT_STRING]")
          .hasMessageContaining("in row 99");
      texts.putNull(98);
      assertThatThrownBy(() -> inference.run(batch, RowSelection.range(0, 100)))
          .hasMessageStartingWith("[TA_NULL_INPUT]")
          .hasMessageContaining("in row 98");

      assertThat(NativeTensor.live()).isEqualTo(tensors);
      assertThat(NativeTensor.liveStringBytes()).isZero();
      assertThat(ArrowUtils.rootAllocator().getAllocatedMemory()).isZero();
      List<ColumnVector> columns = inference.run(batch, RowSelection.range(0, 98));
      check(columns.get(0), false, 0, 98);
      check(columns.get(2), true, 0, 98);
      columns.forEach(ColumnVector::close);
    }
  }

  @Test
  void stringsKeptByTheModelOutliveTheCall() {
    int rows = 3000;
    List<String> texts = new ArrayList<>();
    List<String> expected = new ArrayList<>();
    try (BatchInference inference =
        inference(
            AliasModels.keepsTexts(dir), Map.of("batchRows", "3000"), "LookupTableInsertV2")) {
      for (int first = 0; first < 5 * rows; first += rows) {
        List<ColumnVector> earlier = run(inference, first, rows);
        for (int i = 0; i < rows; i++) {
          texts.add(earlier.get(0).getUTF8String(i).toString());
          expected.add(first == 0 ? "none" : text((long) first + i - rows));
        }
        earlier.forEach(ColumnVector::close);
      }
    }
    assertThat(texts).isEqualTo(expected);
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void columnsOverAVariableDoNotChangeWithIt(boolean resource) {
    Path model = AliasModels.total(dir, resource);
    try (BatchInference inference =
        inference(model, Map.of(), "AssignAdd", "AssignAddVariableOp")) {
      List<ColumnVector> first = run(inference, 1, 3);
      List<ColumnVector> second = run(inference, 10, 3);
      for (int i = 0; i < 2; i++) {
        assertThat(floats(first.get(i), 3)).containsExactly(1f, 2f, 3f);
        assertThat(floats(second.get(i), 3)).containsExactly(11f, 13f, 15f);
      }
      first.forEach(ColumnVector::close);
      second.forEach(ColumnVector::close);
    }
  }
}
