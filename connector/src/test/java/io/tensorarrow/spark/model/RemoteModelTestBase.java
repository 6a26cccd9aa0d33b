package io.tensorarrow.spark.model;

import static org.assertj.core.api.Assertions.assertThat;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.model.savedmodel.ModelVersions;
import io.tensorarrow.spark.model.savedmodel.SavedModelFile;
import io.tensorarrow.spark.model.store.ModelAccess;
import io.tensorarrow.spark.model.store.ModelFiles;
import io.tensorarrow.spark.model.store.ModelLocation;
import io.tensorarrow.spark.testing.TestFileSystem;
import io.tensorarrow.spark.testing.TestFileSystem.Fault;
import io.tensorarrow.spark.testing.TestModels;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.assertj.core.api.AbstractStringAssert;
import org.junit.jupiter.api.BeforeEach;

/** What tests of models on a remote file system share. */
abstract class RemoteModelTestBase extends ModelTestBase {
  static final String SHARD = "variables.data-00000-of-00001";

  Path models = Path.of("");
  Path log = Path.of("");
  Path original = Path.of("");

  @BeforeEach
  void writeModel() {
    models = temp.resolve("models");
    log = temp.resolve("opened.txt");
    original = TestModels.mlp(temp.resolve("store"));
  }

  Configuration conf(Fault fault) {
    return conf(fault, log);
  }

  static Configuration conf(Fault fault, Path log) {
    Configuration conf = new Configuration();
    TestFileSystem.options(fault, log).forEach(conf::set);
    return conf;
  }

  /** Plans a query as the driver does. */
  static ModelReference plan(Path model, Configuration conf) {
    try (ModelFiles files = ModelLocation.open("test://" + model, conf)) {
      SavedModelFile file = ModelVersions.read(files, "latest");
      return new ModelReference(
          file.location(),
          file.fingerprint(),
          List.of("serve"),
          List.of(),
          ModelAccess.to(files, conf));
    }
  }

  ModelReference plan(Fault fault) {
    return plan(original, conf(fault));
  }

  void load(ModelReference reference) {
    load(reference, models);
  }

  static void load(ModelReference reference, Path models) {
    new ModelLoader(Optional.empty(), Optional.of(models))
        .load(reference, ONE_THREAD, () -> false)
        .close();
  }

  AbstractStringAssert<?> loadingFails(ErrorCode code, ModelReference reference) {
    return assertError(code, () -> load(reference));
  }

  /** Returns the copies and whatever else is beside them, but for locks. */
  List<String> kept() throws IOException {
    try (Stream<Path> files = Files.list(models)) {
      return files
          .map(file -> file.getFileName().toString())
          .filter(name -> !name.endsWith(".lock"))
          .sorted()
          .toList();
    }
  }

  static String copyName(ModelReference reference) {
    return reference.fingerprint().replace(':', '-');
  }

  void awaitOpened(int times) throws Exception {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (TestFileSystem.opened(log, SHARD) < times && System.nanoTime() < deadline) {
      Thread.sleep(20);
    }
    assertThat(TestFileSystem.opened(log, SHARD)).isEqualTo(times);
  }

  /** Plans and loads a model like driver and executor. */
  static final class LoadProbe {
    private LoadProbe() {}

    public static void main(String[] args) {
      Configuration conf = conf(Fault.valueOf(args[1]), Path.of(args[2]));
      load(plan(Path.of(args[0]), conf), Path.of(args[3]));
      System.out.println("loaded");
    }
  }
}
