package io.tensorarrow.spark.model.savedmodel;

import static org.assertj.core.api.Assertions.assertThat;

import io.tensorarrow.spark.testing.TestModels;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CheckpointIndexTest {
  @TempDir Path temp;

  @Test
  void shardSizesAreReadFromIndex() throws Exception {
    Path model = TestModels.mlp(temp);
    assertThat(CheckpointIndex.shardSizes(Files.readAllBytes(SavedModelLayout.index(model))))
        .hasValueSatisfying(sizes -> assertThat(sizes).containsExactly(dataSize(model)));
  }

  @Test
  void indexWrittenByTensorFlowIsRead() throws Exception {
    // Its keys are written without what they share with the key before.
    Path model = Path.of("../examples/models/digits");
    assertThat(CheckpointIndex.shardSizes(Files.readAllBytes(SavedModelLayout.index(model))))
        .hasValueSatisfying(sizes -> assertThat(sizes).containsExactly(dataSize(model)));
  }

  @Test
  void flippedBitInBlockIsDetected() throws IOException {
    byte[] index = Files.readAllBytes(SavedModelLayout.index(Path.of("../examples/models/digits")));
    // Behind the blocks is the footer, of which not all is used.
    for (int i = 0; i < index.length - 48; i++) {
      byte[] damaged = index.clone();
      damaged[i] ^= 16;
      // The block of properties is not read.
      if (read(damaged).isPresent()) {
        assertThat(i).isGreaterThan(index.length - 48 - 100);
      }
    }
  }

  @Test
  void damagedBytesAreDetectedOrHarmless() throws IOException {
    byte[] index = Files.readAllBytes(SavedModelLayout.index(Path.of("../examples/models/digits")));
    Random random = new Random(42);
    int noticed = 0;
    for (int i = 0; i < 20_000; i++) {
      byte[] damaged = index.clone();
      // Not the magic number: what is before it has to be noticed by itself.
      int changes = 1 + random.nextInt(3);
      for (int change = 0; change < changes; change++) {
        damaged[random.nextInt(damaged.length - Long.BYTES)] = (byte) random.nextInt();
      }
      noticed += read(damaged).isEmpty() ? 1 : 0;
    }
    assertThat(noticed).isGreaterThan(1000);
  }

  @Test
  void negativeLengthsAreDetected() {
    byte[] minusOne = {-1, -1, -1, -1, -1, -1, -1, -1, -1, 1};
    for (int field = 0; field < 3; field++) {
      ByteArrayOutputStream entry = new ByteArrayOutputStream();
      for (int i = 0; i < 3; i++) {
        entry.writeBytes(i == field ? minusOne : new byte[1]);
      }
      assertThat(read(table(entry.toByteArray()))).as("field %s", field).isEmpty();
    }
  }

  @Test
  void repeatedBlocksAreDetected() {
    // Each entry of the table's block leads to that block itself.
    byte[] entry = {0, 0, 2, 0, 127};
    ByteArrayOutputStream entries = new ByteArrayOutputStream();
    for (int i = 0; i < 20; i++) {
      entries.writeBytes(entry);
    }
    assertThat(read(table(entries.toByteArray()))).isEmpty();
  }

  /** Returns a table whose block of places has these entries, and no restarts. */
  private static byte[] table(byte[] entries) {
    int length = entries.length + Integer.BYTES;
    ByteBuffer file =
        ByteBuffer.allocate(length + 1 + Integer.BYTES + 48).order(ByteOrder.LITTLE_ENDIAN);
    file.put(entries).putInt(0).put((byte) 0);
    file.putInt(Checksum.of(file.duplicate().flip()));
    file.put(new byte[] {0, 0, 0, (byte) length});
    return file.putLong(file.capacity() - Long.BYTES, 0xdb4775248b80fb57L).array();
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
