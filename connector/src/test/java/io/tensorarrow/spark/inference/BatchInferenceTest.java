package io.tensorarrow.spark.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tensorarrow.spark.model.ModelReference;
import io.tensorarrow.spark.model.savedmodel.SavedModelFile;
import io.tensorarrow.spark.options.ReadOptions;
import io.tensorarrow.spark.tensor.NativeTensor;
import io.tensorarrow.spark.tensor.vector.RowSelection;
import io.tensorarrow.spark.testing.FailingModels;
import io.tensorarrow.spark.testing.KillableTask;
import io.tensorarrow.spark.testing.SparkTestBase;
import io.tensorarrow.spark.testing.TestModels;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.arrow.vector.Float4Vector;
import org.apache.arrow.vector.complex.StructVector;
import org.apache.arrow.vector.types.Types.MinorType;
import org.apache.arrow.vector.types.pojo.FieldType;
import org.apache.spark.TaskKilledException;
import org.apache.spark.sql.execution.vectorized.OnHeapColumnVector;
import org.apache.spark.sql.execution.vectorized.WritableColumnVector;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.util.ArrowUtils;
import org.apache.spark.sql.util.CaseInsensitiveStringMap;
import org.apache.spark.sql.vectorized.ArrowColumnVector;
import org.apache.spark.sql.vectorized.ColumnVector;
import org.apache.spark.sql.vectorized.ColumnarBatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BatchInferenceTest extends SparkTestBase {
  private static final StructType SCHEMA =
      new StructType().add("id", DataTypes.LongType).add("x", DataTypes.FloatType);

  @TempDir Path dir;

  private static InferenceSpec spec(Path model, StructType schema, Map<String, String> options) {
    SavedModelFile file = SavedModelFile.read(model);
    ModelReference reference =
        new ModelReference(file.location(), file.fingerprint(), List.of("serve"));
    return new SignatureBinder(
            reference, file.graph(List.of("serve")).signature(Optional.empty()), schema)
        .bind(ReadOptions.of(new CaseInsensitiveStringMap(options)));
  }

  private static ColumnarBatch batch(int rows) {
    WritableColumnVector[] columns = OnHeapColumnVector.allocateColumns(rows, SCHEMA);
    for (int i = 0; i < rows; i++) {
      columns[0].putLong(i, i);
      columns[1].putFloat(i, i);
    }
    return new ColumnarBatch(columns, rows);
  }

  @Test
  void selectedRowsAreRunInTheirOrder() {
    InferenceSpec spec = spec(TestModels.scale(dir), SCHEMA, Map.of());
    try (ColumnarBatch batch = batch(10);
        BatchInference inference = new BatchInference(spec, SCHEMA)) {
      List<ColumnVector> columns = inference.run(batch, RowSelection.of(new int[] {1, 4, 9, 0}, 3));

      assertThat(columns).hasSize(1);
      assertThat(List.of(columns.get(0).getFloat(0), columns.get(0).getFloat(1)))
          .containsExactly(2f, 8f);
      assertThat(columns.get(0).getFloat(2)).isEqualTo(18f);
      columns.forEach(ColumnVector::close);
      assertThat(inference.counters().rows()).isEqualTo(3);
      assertThat(inference.counters().batches()).isEqualTo(1);
      assertThat(inference.counters().feedBytes()).isEqualTo(12);
      assertThat(inference.counters().tensorBytes()).isEqualTo(12);
      assertThat(inference.counters().runNanos()).isPositive();
    }
  }

  /** In Arrow a null struct's fields need not be null. */
  @Test
  void fieldsOfStructsInArrowMemoryAreFed() {
    StructType schema =
        new StructType().add("s", new StructType().add("x", DataTypes.FloatType, true), true);
    InferenceSpec spec = spec(TestModels.scale(dir), schema, Map.of("inputs", "x=s.x"));
    try (StructVector struct = StructVector.empty("s", ArrowUtils.rootAllocator())) {
      Float4Vector x =
          struct.addOrGet("x", FieldType.nullable(MinorType.FLOAT4.getType()), Float4Vector.class);
      x.allocateNew(4);
      for (int i = 0; i < 4; i++) {
        x.set(i, i);
        if (i != 2) {
          struct.setIndexDefined(i);
        }
      }
      struct.setValueCount(4);
      ColumnarBatch batch =
          new ColumnarBatch(new ColumnVector[] {new ArrowColumnVector(struct)}, 4);
      try (BatchInference inference = new BatchInference(spec, schema)) {
        assertThatThrownBy(() -> inference.run(batch, RowSelection.range(0, 4)))
            .hasMessageStartingWith("[TA_NULL_INPUT] Cannot feed column 's.x': found a null in")
            .hasMessageContaining("struct 's' in row 2 of the batch; expected a value in each row");
        List<ColumnVector> columns = inference.run(batch, RowSelection.of(new int[] {0, 1, 3}, 3));
        assertThat(columns.get(0).getFloat(2)).isEqualTo(6f);
        columns.forEach(ColumnVector::close);
      }
    }
  }

  @Test
  void columnsStayReadableAfterTheNextRun() {
    InferenceSpec spec = spec(TestModels.scale(dir), SCHEMA, Map.of());
    try (ColumnarBatch batch = batch(4);
        BatchInference inference = new BatchInference(spec, SCHEMA)) {
      List<ColumnVector> first = inference.run(batch, RowSelection.range(0, 2));
      List<ColumnVector> second = inference.run(batch, RowSelection.range(2, 2));

      assertThat(first.get(0).getFloat(1)).isEqualTo(2f);
      assertThat(second.get(0).getFloat(1)).isEqualTo(6f);
      first.forEach(ColumnVector::close);
      second.forEach(ColumnVector::close);
    }
  }

  @Test
  void failedRunFreesItsTensorsAndNextRunWorks() {
    StructType schema = new StructType().add("x", DataTypes.IntegerType);
    InferenceSpec spec = spec(FailingModels.failing(dir), schema, Map.of());
    WritableColumnVector[] columns = OnHeapColumnVector.allocateColumns(2, schema);
    columns[0].putInt(0, 5);
    columns[0].putInt(1, 0);
    long tensors = NativeTensor.live();
    try (ColumnarBatch batch = new ColumnarBatch(columns, 2);
        BatchInference inference = new BatchInference(spec, schema)) {
      assertThatThrownBy(() -> inference.run(batch, RowSelection.range(0, 2)))
          .hasMessageStartingWith("[TA_MODEL_RUN] Cannot run signature 'serving_default'");
      assertThat(NativeTensor.live()).isEqualTo(tensors);

      List<ColumnVector> result = inference.run(batch, RowSelection.range(0, 1));
      assertThat(result.get(0).getInt(0)).isEqualTo(20);
      result.forEach(ColumnVector::close);
    }
  }

  @Test
  void closeIsIdempotentAcrossThreads() throws Exception {
    InferenceSpec spec = spec(TestModels.scale(dir), SCHEMA, Map.of());
    BatchInference inference = new BatchInference(spec, SCHEMA);
    try (ColumnarBatch batch = batch(4)) {
      inference.run(batch, RowSelection.range(0, 4)).forEach(ColumnVector::close);
    }
    CompletableFuture.runAsync(inference::close).get();
    inference.close();
    assertThat(inference.counters().rows()).isEqualTo(4);
  }

  @Test
  void runAfterCloseIsRefused() {
    InferenceSpec spec = spec(TestModels.scale(dir), SCHEMA, Map.of());
    try (ColumnarBatch batch = batch(4)) {
      BatchInference inference = new BatchInference(spec, SCHEMA);
      inference.run(batch, RowSelection.range(0, 4)).forEach(ColumnVector::close);
      inference.close();
      // A lease that it took now would never be given back.
      assertThatThrownBy(() -> inference.run(batch, RowSelection.range(0, 4)))
          .isInstanceOf(IllegalStateException.class);
    }
  }

  /**
   * The thread that feeds Python runs on when the task completes, for instance by a limit, and the
   * task then waits for it.
   */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void endlessLoopIsCancelledOnTaskKill(boolean killed) throws Exception {
    InferenceSpec spec = spec(FailingModels.endless(dir), SCHEMA, Map.of());
    CountDownLatch first = new CountDownLatch(1);
    KillableTask<List<ColumnVector>> task =
        KillableTask.start(
            () -> {
              try (ColumnarBatch batch = batch(4);
                  BatchInference inference = new BatchInference(spec, SCHEMA)) {
                inference.run(batch, RowSelection.range(0, 4)).forEach(ColumnVector::close);
                ((WritableColumnVector) batch.column(1)).putFloat(0, -1);
                first.countDown();
                return inference.run(batch, RowSelection.range(0, 4));
              }
            });
    assertThat(first.await(60, TimeUnit.SECONDS)).isTrue();
    Thread.sleep(500);
    assertThat(task.isRunning()).isTrue();
    if (killed) {
      task.kill();
    } else {
      task.complete();
    }
    assertThatThrownBy(task::get)
        .cause()
        .isInstanceOf(killed ? TaskKilledException.class : CancellationException.class);
  }

  @Test
  void autoBatchRowsShrinkForWideRows() {
    assertThat(spec(TestModels.scale(dir), SCHEMA, Map.of()).batch().rows()).isEqualTo(1024);
    // Four bytes in and four out for each row.
    assertThat(spec(TestModels.scale(dir), SCHEMA, Map.of("batchBytes", "800")).batch().rows())
        .isEqualTo(100);
    assertThat(spec(TestModels.scale(dir), SCHEMA, Map.of("batchBytes", "1")).batch().rows())
        .isEqualTo(1);
    assertThat(
            spec(TestModels.scale(dir), SCHEMA, Map.of("batchBytes", "1", "batchRows", "5000"))
                .batch()
                .rows())
        .isEqualTo(5000);
  }

  @Test
  void computingOnlyKeepsOutputsOfGivenColumns() {
    InferenceSpec spec = spec(TestModels.scale(dir), SCHEMA, Map.of("outputs", "y=score"));

    assertThat(spec.computingOnly(java.util.Set.of("score", "id"))).isEqualTo(spec);
    assertThat(spec.computingOnly(java.util.Set.of("id")).runsModel()).isFalse();
  }
}
