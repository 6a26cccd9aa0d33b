package io.tensorarrow.spark.host;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PrivateDirectoryTest {
  @TempDir Path temp;

  @Test
  void defaultDirectoryIsUserCacheOrTemporary() throws IOException {
    assertThat(PrivateDirectory.ofUser(temp.toString())).isEqualTo(temp.resolve("tensorarrow"));
    assertThat(PrivateDirectory.ofUser(Files.createFile(temp.resolve("file")).toString()))
        .isEqualTo(
            Path.of(
                System.getProperty("java.io.tmpdir"),
                "tensorarrow-" + System.getProperty("user.name")));
  }
}
