package io.tensorarrow.spark.model.variables;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.model.store.ModelAccess;
import io.tensorarrow.spark.model.store.ModelFiles;
import io.tensorarrow.spark.testing.CheckpointWriter;
import io.tensorarrow.spark.testing.KillableTask;
import io.tensorarrow.spark.testing.TestFileSystem;
import io.tensorarrow.spark.testing.TestFileSystem.Fault;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.assertj.core.api.AbstractThrowableAssert;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.TensorShapeProto;
import org.tensorflow.proto.TensorSliceProto;
import org.tensorflow.proto.TensorSliceProto.Extent;

/** Variables of checkpoints, without Spark. */
class ModelVariablesTest {
  private static final Path ZOO = Path.of("../integration-tests/src/test/resources/zoo");
  private static final String VALUE = "/.ATTRIBUTES/VARIABLE_VALUE";
  private static final String DATA = "variables/variables.data-00000-of-00001";

  @TempDir Path dir;

  private static List<ModelVariable> list(Path model) {
    try (ModelFiles files = ModelFiles.local(model)) {
      return ModelVariables.list(files);
    }
  }

  private static byte[] read(Path model, ModelVariable variable) {
    try (VariableReader reader = VariableReader.open(model.toString(), ModelAccess.local())) {
      return reader.read(variable);
    }
  }

  private static List<String> names(Path model) {
    return list(model).stream().map(ModelVariable::name).toList();
  }

  private static byte[] bytes(int count, long seed) {
    byte[] bytes = new byte[count];
    new Random(seed).nextBytes(bytes);
    return bytes;
  }

  private static AbstractThrowableAssert<?, ? extends Throwable> fails(
      ErrorCode code, ThrowingCallable action) {
    return assertThatThrownBy(action)
        .isInstanceOfSatisfying(
            TensorArrowException.class, e -> assertThat(e.code()).isEqualTo(code));
  }

  @Test
  void variablesWrittenByTensorFlowAreReadAndVerified() throws IOException {
    int read = 0;
    try (Stream<Path> models = Files.list(ZOO)) {
      for (Path model : models.filter(m -> Files.exists(m.resolve("variables"))).toList()) {
        for (ModelVariable variable : list(model)) {
          assertThat(read(model, variable)).hasSize((int) variable.size());
          read++;
        }
      }
    }
    assertThat(read).isGreaterThan(100);
  }

  @Test
  void variablesHaveNamesOfTensorFlow() {
    assertThat(names(ZOO.resolve("keras2_lstm")))
        .contains("lstm/lstm_cell/recurrent_kernel", "next/bias");
    assertThat(names(ZOO.resolve("v1_names"))).containsExactly("scope/scale.x");
    assertThat(names(ZOO.resolve("jax_graph"))).containsExactly("parameters/w", "parameters/b");
  }

  @Test
  void variablesSavedTwiceByKerasAreListedOnce() {
    assertThat(names(ZOO.resolve("keras3_mixed")))
        .containsExactly("dense/kernel", "dense/bias", "dense_1/kernel", "dense_1/bias");
    // A table's keys are no variable of any object, and are listed under their path.
    assertThat(names(ZOO.resolve("keras3_text")))
        .contains("_misc_assets/1/.ATTRIBUTES/table-keys")
        .noneMatch(name -> name.startsWith("_all_variables"));
    new CheckpointWriter()
        .add("variables/0" + VALUE, new float[] {1}, 1)
        .add("_all_variables/0" + VALUE, new float[] {2}, 1)
        .names(Map.of("variables/0" + VALUE, "w", "_all_variables/0" + VALUE, "w"))
        .write(dir);
    assertThat(names(dir)).containsExactly("variables/0", "_all_variables/0");
  }

  @Test
  void ambiguousNameIsReplacedByPath() {
    new CheckpointWriter()
        .add("first" + VALUE, new float[] {0}, 1)
        .add("second" + VALUE, new float[] {0}, 1)
        .add("third" + VALUE, new float[] {0}, 1)
        .add("fourth" + VALUE, new float[] {0}, 1)
        .add("größe" + VALUE, new float[] {0}, 1)
        .add("fünf" + VALUE, new float[] {0}, 1)
        .names(
            Map.of(
                "first" + VALUE, "Variable",
                "second" + VALUE, "Variable",
                "third" + VALUE, "first",
                "fourth" + VALUE, "dense/kernel",
                "fünf" + VALUE, "five",
                "nowhere" + VALUE, "lost"))
        .write(dir);
    assertThat(names(dir))
        .containsExactly("first", "second", "third", "dense/kernel", "größe", "five");
  }

  @Test
  void stringVariablesAreReadInStoredForm() {
    new CheckpointWriter().addStrings("words", List.of("a", "", "ä".repeat(100)), 3).write(dir);
    ByteBuffer stored = ByteBuffer.wrap(read(dir, list(dir).get(0)));
    assertThat(stored.getInt()).isEqualTo(0x0100c801);
    assertThat(stored.capacity()).isEqualTo(4 + 4 + 201);
    byte[] rest = new byte[201];
    stored.position(8).get(rest);
    assertThat(new String(rest, StandardCharsets.UTF_8)).isEqualTo("a" + "ä".repeat(100));
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2})
  void partitionedVariablesAreJoined(int cut) {
    long[] dims = {4, 70, 3};
    byte[] whole = bytes(4 * 70 * 3 * 2, 7);
    CheckpointWriter writer = new CheckpointWriter();
    List<TensorSliceProto> slices =
        dims[cut] == 70
            ? List.of(slice(dims, cut, 0, 65), slice(dims, cut, 65, 4), slice(dims, cut, 69, 1))
            : List.of(slice(dims, cut, 0, 1), slice(dims, cut, 1, dims[cut] - 1));
    for (TensorSliceProto slice : slices) {
      long[] extent = dims.clone();
      extent[cut] = slice.getExtent(cut).getLength();
      writer.shard();
      writer.addRaw(
          PartKey.of("w", slice),
          DataType.DT_INT16,
          part(whole, dims, cut, slice.getExtent(cut), 2),
          extent);
    }
    writer.addParted("w", DataType.DT_INT16, slices, dims).write(dir);

    ModelVariable joined =
        list(dir).stream().filter(v -> v.name().equals("w")).findFirst().orElseThrow();
    assertThat(joined.shape()).containsExactly(4L, 70L, 3L);
    assertThat(read(dir, joined)).isEqualTo(whole);
  }

  private static TensorSliceProto slice(long[] dims, int cut, long start, long length) {
    TensorSliceProto.Builder slice = TensorSliceProto.newBuilder();
    for (int dim = 0; dim < dims.length; dim++) {
      slice.addExtent(
          dim == cut
              ? Extent.newBuilder().setStart(start).setLength(length).build()
              : Extent.getDefaultInstance());
    }
    return slice.build();
  }

  /** Takes elements one by one. */
  private static byte[] part(byte[] whole, long[] dims, int cut, Extent extent, int width) {
    ByteBuffer out = ByteBuffer.allocate(whole.length);
    for (int i = 0; i < whole.length / width; i++) {
      long[] at = {i / (dims[1] * dims[2]), i / dims[2] % dims[1], i % dims[2]};
      if (at[cut] >= extent.getStart() && at[cut] < extent.getStart() + extent.getLength()) {
        out.put(whole, i * width, width);
      }
    }
    return Arrays.copyOf(out.array(), out.position());
  }

  @Test
  void partsOutsideTheirVariableAreRefused() {
    long[] dims = {4, 3, 1};
    TensorSliceProto half = slice(dims, 0, 0, 2);
    TensorSliceProto other = slice(dims, 0, 3, 2);
    CheckpointWriter missing =
        new CheckpointWriter().addParted("w", DataType.DT_INT8, List.of(half), dims);
    missing.write(dir);
    fails(ErrorCode.TA_MODEL_CORRUPT, () -> list(dir))
        .hasMessageContaining(
            "found a part that is not there for 'w' in variables/variables.index");
    missing.addRaw(PartKey.of("w", half), DataType.DT_INT8, new byte[6], 2, 3, 1).write(dir);
    fails(ErrorCode.TA_MODEL_CORRUPT, () -> list(dir))
        .hasMessageContaining("found parts that are not all of its shape [4, 3, 1]");
    missing
        .addParted("w", DataType.DT_INT8, List.of(half, other), dims)
        .addRaw(PartKey.of("w", other), DataType.DT_INT8, new byte[6], 2, 3, 1)
        .write(dir);
    fails(ErrorCode.TA_MODEL_CORRUPT, () -> list(dir))
        .hasMessageContaining("found a part outside of its shape [4, 3, 1]");
  }

  @Test
  void inconsistentIndexIsRefused() {
    CheckpointWriter writer = new CheckpointWriter().add("w", new float[] {1, 2}, 2);
    writer.change("w", entry -> entry.setSize(7)).write(dir);
    fails(ErrorCode.TA_MODEL_CORRUPT, () -> list(dir))
        .hasMessageContaining("found 7 bytes for a shape that takes 8 for 'w'");
    writer.change("w", entry -> entry.getShapeBuilder().getDimBuilder(0).setSize(-1)).write(dir);
    fails(ErrorCode.TA_MODEL_CORRUPT, () -> list(dir)).hasMessageContaining("an incomplete shape");
    TensorShapeProto.Dim huge = TensorShapeProto.Dim.newBuilder().setSize(1L << 40).build();
    writer.change("w", entry -> entry.getShapeBuilder().clear().addDim(huge).addDim(huge));
    writer.write(dir);
    fails(ErrorCode.TA_MODEL_CORRUPT, () -> list(dir)).hasMessageContaining("no memory holds");
  }

  @Test
  void bigEndianCheckpointIsRefused() {
    new CheckpointWriter().bigEndian().add("w", new float[] {1}, 1).write(dir);
    fails(ErrorCode.TA_UNSUPPORTED, () -> list(dir))
        .hasMessageContaining("found a checkpoint in big-endian; expected an uncompressed one");
  }

  @Test
  void malformedObjectGraphIsRefused() {
    new CheckpointWriter().addStrings("_CHECKPOINTABLE_OBJECT_GRAPH", List.of("hello")).write(dir);
    fails(ErrorCode.TA_MODEL_CORRUPT, () -> list(dir))
        .hasMessageContaining("found no graph of objects");
    new CheckpointWriter().add("_CHECKPOINTABLE_OBJECT_GRAPH", new float[] {1}).write(dir);
    fails(ErrorCode.TA_MODEL_CORRUPT, () -> list(dir))
        .hasMessageContaining("found no graph of objects");
  }

  @Test
  void modelWithoutCheckpointHasNoVariables() {
    assertThat(list(dir)).isEmpty();
  }

  @Test
  void damagedAndMissingDataIsDetected() throws IOException {
    new CheckpointWriter()
        .add("w", DataType.DT_UINT8, bytes(300, 1), 300)
        .addStrings("words", List.of("one", "two", "three"), 3)
        .write(dir);
    List<ModelVariable> variables = list(dir);
    Path file = dir.resolve(DATA);
    byte[] whole = Files.readAllBytes(file);
    for (int i = 0; i < whole.length; i++) {
      byte[] damaged = whole.clone();
      damaged[i] ^= 1;
      Files.write(file, damaged);
      ModelVariable hit = variables.get(i < 300 ? 0 : 1);
      fails(ErrorCode.TA_MODEL_CORRUPT, () -> read(dir, hit))
          .hasMessageStartingWith("[TA_MODEL_CORRUPT] Cannot read model '" + dir + "': found bytes")
          .hasMessageContaining(
              "with another checksum than in variables.index for variable '" + hit.name() + "'");
      assertThat(read(dir, variables.get(i < 300 ? 1 : 0))).isNotEmpty();
    }
    Files.write(file, new byte[299]);
    fails(ErrorCode.TA_MODEL_CORRUPT, () -> read(dir, variables.get(0)))
        .hasMessageContaining("found a file of 299 bytes, which is too short for variable 'w' in")
        .hasMessageContaining("expected 300 bytes at 0, as TensorFlow wrote them");
    Files.delete(file);
    fails(ErrorCode.TA_MODEL_CORRUPT, () -> read(dir, variables.get(0)))
        .hasMessageContaining("found no such file for variable 'w' in " + DATA + " on host '");
    fails(ErrorCode.TA_MODEL_NOT_FOUND, () -> read(dir.resolve("elsewhere"), variables.get(0)))
        .hasMessageContaining("under the same path on every host");
  }

  @Test
  void dataFileOutsideModelIsNotRead() throws IOException {
    Path model = Files.createDirectory(dir.resolve("model"));
    new CheckpointWriter().add("w", new float[] {1}, 1).write(model);
    ModelVariable variable = list(model).get(0);
    Path moved = Files.move(model.resolve(DATA), dir.resolve("moved"));
    Files.createSymbolicLink(model.resolve(DATA), moved);
    fails(ErrorCode.TA_MODEL_CORRUPT, () -> read(model, variable))
        .hasMessageContaining("to be a link that leads out of the model's directory");
  }

  @Test
  void killedTaskStopsReading() throws Exception {
    new CheckpointWriter().add("w", DataType.DT_INT8, bytes(100_000, 1), 100_000).write(dir);
    ModelVariable variable = list(dir).get(0);
    Configuration conf = new Configuration();
    TestFileSystem.options(Fault.SLOW, dir.resolve("opened.txt")).forEach(conf::set);
    int before = TestFileSystem.connections();
    KillableTask<byte[]> task =
        KillableTask.start(
            () -> {
              try (VariableReader reader =
                  VariableReader.open("test:" + dir, ModelAccess.remote(conf))) {
                return reader.read(variable);
              }
            });
    task.awaitAsleep();
    task.kill();
    // All of it would take ten minutes.
    assertThatThrownBy(task::get).hasMessageContaining("interrupted");
    assertThat(TestFileSystem.connections()).isEqualTo(before);
  }

  @Test
  void variableTooLargeForRowIsRefused() {
    List<Long> shape = List.of(1L << 29);
    ModelVariable large = variable(DataType.DT_FLOAT, shape, 1L << 31);
    fails(ErrorCode.TA_VARIABLE_UNSUPPORTED, () -> large.checkReadable("m"))
        .hasMessage(
            "[TA_VARIABLE_UNSUPPORTED] Cannot read variable 'w' of model 'm': found 2147483648"
                + " bytes; expected at most 2146435071, which fit into a row (filter by name, or"
                + " leave out the column 'tensor')");
    fails(
            ErrorCode.TA_VARIABLE_UNSUPPORTED,
            () -> variable(DataType.DT_VARIANT, List.of(), 3).checkReadable("m"))
        .hasMessageContaining("found variant; expected numbers, booleans or strings");
    ModelVariable unknown = new ModelVariable("w", 99, List.of(), large.parts());
    assertThat(unknown.dtypeName()).isEqualTo("dtype 99");
    fails(ErrorCode.TA_VARIABLE_UNSUPPORTED, () -> unknown.checkReadable("m"))
        .hasMessageContaining("found dtype 99; expected");
    ModelVariable.Part part = large.parts().get(0);
    fails(
            ErrorCode.TA_VARIABLE_UNSUPPORTED,
            () -> new ModelVariable("w", 7, shape, List.of(part, part)).checkReadable("m"))
        .hasMessageContaining("found strings in 2 parts");
    variable(DataType.DT_FLOAT, List.of(1L), 4).checkReadable("m");
  }

  private static ModelVariable variable(DataType dtype, List<Long> shape, long size) {
    List<Long> begin = shape.stream().map(dim -> 0L).toList();
    return new ModelVariable(
        "w",
        dtype.getNumber(),
        shape,
        List.of(new ModelVariable.Part(DATA, 0, size, 0, begin, shape)));
  }
}
