package io.tensorarrow.spark.model;

import static org.assertj.core.api.Assertions.assertThat;

import io.tensorarrow.spark.testing.TestModels;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CheckpointIndexTest {
  @TempDir Path temp;

  @Test
  void tellsTheSizesOfTheDataFiles() throws Exception {
    Path model = TestModels.mlp(temp);
    assertThat(CheckpointIndex.shardSizes(Files.readAllBytes(SavedModelLayout.index(model))))
        .hasValueSatisfying(sizes -> assertThat(sizes).containsExactly(dataSize(model)));
  }

  @Test
  void readsWhatTensorFlowWrote() throws Exception {
    // Its keys are written without what they share with the key before.
    Path model = Path.of("../examples/models/digits");
    assertThat(CheckpointIndex.shardSizes(Files.readAllBytes(SavedModelLayout.index(model))))
        .hasValueSatisfying(sizes -> assertThat(sizes).containsExactly(dataSize(model)));
  }

  @Test
  void damagedBytesAreNoticedOrHarmless() throws IOException {
    byte[] index = Files.readAllBytes(SavedModelLayout.index(Path.of("../examples/models/digits")));
    Random random = new Random(42);
    int noticed = 0;
    for (int i = 0; i < 20_000; i++) {
      byte[] damaged = index.clone();
      // Not the magic number: what lies before it has to be noticed by itself.
      int changes = 1 + random.nextInt(3);
      for (int change = 0; change < changes; change++) {
        damaged[random.nextInt(damaged.length - Long.BYTES)] = (byte) random.nextInt();
      }
      noticed += read(damaged).isEmpty() ? 1 : 0;
    }
    assertThat(noticed).isGreaterThan(1000);
  }

  /** Returns nothing if the bytes were refused; any other exception is a fault. */
  private static Optional<Optional<long[]>> read(byte[] bytes) {
    try {
      return Optional.of(CheckpointIndex.shardSizes(bytes));
    } catch (CheckpointIndex.MalformedException e) {
      return Optional.empty();
    }
  }

  private static long dataSize(Path model) {
    return model.resolve("variables/variables.data-00000-of-00001").toFile().length();
  }
}
