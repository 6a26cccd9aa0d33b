package io.tensorarrow.spark.model.savedmodel;

import static io.tensorarrow.spark.model.ModelTestBase.assertError;
import static org.assertj.core.api.Assertions.assertThat;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.testing.TestModels;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ModelFingerprintTest {
  @TempDir Path temp;

  @Test
  void fingerprintChangesWithContentNotWithTimes() throws IOException {
    Path table = TestModels.table(temp);
    String before = SavedModelFile.read(table).fingerprint();
    assertThat(before).matches("sha256:[0-9a-f]{64}");
    Path asset = table.resolve("assets/values.txt");
    Files.setLastModifiedTime(asset, FileTime.fromMillis(0));
    assertThat(SavedModelFile.read(table).fingerprint()).isEqualTo(before);
    Files.writeString(asset, "10\n20\n31\n");
    assertThat(SavedModelFile.read(table).fingerprint()).isNotEqualTo(before);

    Path mlp = TestModels.mlp(temp);
    String original = SavedModelFile.read(mlp).fingerprint();
    Path data = mlp.resolve("variables/variables.data-00000-of-00001");
    Files.write(data, new byte[1], StandardOpenOption.APPEND);
    assertThat(SavedModelFile.read(mlp).fingerprint()).isNotEqualTo(original);
  }

  @Test
  void fingerprintCoversAssetsBehindLinksInsideTheModel() throws IOException {
    Path model = TestModels.table(temp);
    Path elsewhere = Files.move(model.resolve("assets"), model.resolve("..data"));
    Files.createSymbolicLink(model.resolve("assets"), Path.of("..data"));
    String before = SavedModelFile.read(model).fingerprint();
    Files.writeString(elsewhere.resolve("values.txt"), "10\n20\n31\n");
    assertThat(SavedModelFile.read(model).fingerprint()).isNotEqualTo(before);

    Files.createSymbolicLink(elsewhere.resolve("loop"), elsewhere);
    assertError(ErrorCode.TA_MODEL_CORRUPT, () -> SavedModelFile.read(model)).contains("loop");
  }

  @Test
  void modelDirectoryMayBeALink() throws IOException {
    Path model = TestModels.mlp(temp.resolve("real"));
    Path link = Files.createSymbolicLink(temp.resolve("current"), model);
    assertThat(SavedModelFile.read(link).fingerprint())
        .isEqualTo(SavedModelFile.read(model).fingerprint());
  }

  @Test
  void copiesOfModelHaveSameFingerprint() {
    assertThat(SavedModelFile.read(TestModels.mlp(temp.resolve("a"))).fingerprint())
        .isEqualTo(SavedModelFile.read(TestModels.mlp(temp.resolve("b"))).fingerprint());
  }
}
