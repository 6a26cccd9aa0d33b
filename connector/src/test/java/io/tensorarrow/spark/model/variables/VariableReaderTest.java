package io.tensorarrow.spark.model.variables;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.model.store.ModelAccess;
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
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.TensorSliceProto;
import org.tensorflow.proto.TensorSliceProto.Extent;

class VariableReaderTest extends VariablesTestBase {
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
}
