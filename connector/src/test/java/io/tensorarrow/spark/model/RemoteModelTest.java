package io.tensorarrow.spark.model;

import static io.tensorarrow.spark.testing.Tensors.close;
import static io.tensorarrow.spark.testing.Tensors.floats;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.offset;
import static org.assertj.core.api.InstanceOfAssertFactories.STRING;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.model.eager.EagerCall;
import io.tensorarrow.spark.model.savedmodel.ModelVersions;
import io.tensorarrow.spark.model.savedmodel.SavedModelFile;
import io.tensorarrow.spark.model.store.ModelAccess;
import io.tensorarrow.spark.model.store.ModelFiles;
import io.tensorarrow.spark.model.store.ModelLocation;
import io.tensorarrow.spark.tensor.NativeTensor;
import io.tensorarrow.spark.testing.ChildJvm;
import io.tensorarrow.spark.testing.LogCapture;
import io.tensorarrow.spark.testing.TestFileSystem;
import io.tensorarrow.spark.testing.TestFileSystem.Fault;
import io.tensorarrow.spark.testing.TestModels;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.logging.log4j.Level;
import org.assertj.core.api.AbstractStringAssert;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Models on a file system that TensorFlow does not know, copied to this host. */
class RemoteModelTest extends ModelTestBase {
  private static final String SHARD = "variables.data-00000-of-00001";

  private Path models = Path.of("");
  private Path log = Path.of("");
  private Path original = Path.of("");

  @BeforeEach
  void writeModel() {
    models = temp.resolve("models");
    log = temp.resolve("opened.txt");
    original = TestModels.mlp(temp.resolve("store"));
  }

  private Configuration conf(Fault fault) {
    return conf(fault, log);
  }

  private static Configuration conf(Fault fault, Path log) {
    Configuration conf = new Configuration();
    TestFileSystem.options(fault, log).forEach(conf::set);
    return conf;
  }

  /** Plans a query as the driver does. */
  private static ModelReference plan(Path model, Configuration conf) {
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

  private ModelReference plan(Fault fault) {
    return plan(original, conf(fault));
  }

  private void load(ModelReference reference) {
    load(reference, models);
  }

  private static void load(ModelReference reference, Path models) {
    new ModelLoader(Optional.empty(), Optional.of(models))
        .load(reference, ONE_THREAD, () -> false)
        .close();
  }

  private AbstractStringAssert<?> loadingFails(ErrorCode code, ModelReference reference) {
    return assertError(code, () -> load(reference));
  }

  /** Returns the copies and whatever else lies beside them, but for locks. */
  private List<String> kept() throws IOException {
    try (Stream<Path> files = Files.list(models)) {
      return files
          .map(file -> file.getFileName().toString())
          .filter(name -> !name.endsWith(".lock"))
          .sorted()
          .toList();
    }
  }

  private static String copyName(ModelReference reference) {
    return reference.fingerprint().replace(':', '-');
  }

  @Test
  void modelIsCopiedOnceAndRunsFromCopy() throws IOException {
    ModelReference reference = plan(Fault.NONE);
    assertThat(TestFileSystem.opened(log, SHARD)).as("opened by the driver").isZero();
    ModelCache cache =
        cache(2, Long.MAX_VALUE, new ModelLoader(Optional.empty(), Optional.of(models))::load);
    float[] row = {1, 2, 3, 4, 5, 6, 7, 8};
    try (ModelLease lease = cache.acquire(reference, ONE_THREAD);
        EagerCall call = lease.newCall("serving_default", List.of("probabilities"));
        NativeTensor x = floats(row, 1, 8)) {
      List<NativeTensor> fetched = call.run(List.of(x));
      float[] found = floats(fetched.get(0));
      close(fetched);
      assertThat(found).containsExactly(TestModels.mlpOf(row), offset(1e-6f));
    }
    load(reference);
    assertThat(TestFileSystem.opened(log, SHARD)).isEqualTo(1);
    assertThat(kept()).containsExactly(copyName(reference));
    assertThat(Files.getPosixFilePermissions(models))
        .isEqualTo(PosixFilePermissions.fromString("rwx------"));
    assertThat(Files.getPosixFilePermissions(models.resolve(kept().get(0))))
        .isEqualTo(PosixFilePermissions.fromString("rwx------"));
  }

  @Test
  void onlyFilesThatTensorFlowReadsAreCopied() throws IOException {
    original = TestModels.table(temp.resolve("store"));
    Files.createDirectories(original.resolve("assets.extra"));
    Files.writeString(original.resolve("assets.extra/big"), "not needed");
    Files.createDirectories(original.resolve("assets/deeper/still"));
    Files.writeString(original.resolve("assets/deeper/still/a b:c"), "read by nobody");
    ModelReference reference = plan(Fault.NONE);
    load(reference);
    Path copy = models.resolve(copyName(reference));
    assertThat(copy.resolve("assets/values.txt")).exists();
    assertThat(copy.resolve("assets/deeper/still/a b:c")).hasContent("read by nobody");
    assertThat(copy.resolve("assets.extra")).doesNotExist();
  }

  @Test
  void fingerprintCoversTimesOfDataFiles() throws IOException {
    String before = plan(Fault.NONE).fingerprint();
    assertThat(before).isNotEqualTo(SavedModelFile.read(original).fingerprint());
    Files.setLastModifiedTime(
        original.resolve("variables").resolve(SHARD), FileTime.fromMillis(1_000));
    assertThat(plan(Fault.NONE).fingerprint()).isNotEqualTo(before);
  }

  @Test
  void modelChangedOrMissingAfterPlanningFailsToLoad() throws IOException {
    ModelReference reference = plan(Fault.NONE);
    Files.setLastModifiedTime(
        original.resolve("variables").resolve(SHARD), FileTime.fromMillis(1_000));
    loadingFails(ErrorCode.TA_MODEL_CHANGED, reference)
        .contains(
            "found fingerprint " + plan(Fault.NONE).fingerprint(),
            "expected " + reference.fingerprint());
    assertThat(TestFileSystem.opened(log, SHARD)).as("nothing large was copied").isZero();
    Files.move(original, temp.resolve("elsewhere"));
    loadingFails(ErrorCode.TA_MODEL_NOT_FOUND, reference)
        .contains("'test:" + original + "'", "nothing there", "the file system 'test:///'");
    assertThat(kept()).isEmpty();
  }

  @Test
  void copyLoadsAfterOriginalIsGone() throws IOException {
    ModelReference reference = plan(Fault.NONE);
    load(reference);
    Files.move(original, temp.resolve("elsewhere"));
    load(reference);
  }

  @Test
  void unreadableFileFailsWithRedactedErrorAndLeavesNoCopy() throws IOException {
    ModelReference reference = plan(Fault.DENIED);
    assertThatThrownBy(() -> load(reference))
        .isInstanceOfSatisfying(
            TensorArrowException.class,
            e -> assertThat(e.code()).isEqualTo(ErrorCode.TA_MODEL_FETCH))
        .hasMessageContaining("Cannot read model 'test:" + original + "' on host '")
        .hasMessageContaining("AccessDeniedException")
        .hasMessageContaining("403 for key *********(redacted)")
        .hasMessageContaining("fs.* options")
        .hasNoCause();
    assertThat(kept()).isEmpty();
    // The same model, with what it takes.
    load(plan(Fault.NONE));
  }

  @Test
  void truncatedFileFailsAndLeavesNoCopy() throws IOException {
    loadingFails(ErrorCode.TA_MODEL_FETCH, plan(Fault.CUT))
        .contains(" bytes of variables/" + SHARD);
    assertThat(kept()).isEmpty();
  }

  @Test
  void tooLongFileFailsAndLeavesNoCopy() throws IOException {
    long size = Files.size(original.resolve("variables").resolve(SHARD));
    loadingFails(ErrorCode.TA_MODEL_FETCH, plan(Fault.LONG))
        .contains("more than " + size + " bytes of variables/" + SHARD);
    assertThat(kept()).isEmpty();
  }

  @Test
  void readTimeoutIsNotAnInterruption() throws IOException {
    loadingFails(ErrorCode.TA_MODEL_FETCH, plan(Fault.TIMEOUT))
        .contains("Cannot read model", "SocketTimeoutException: Read timed out", "only busy");
    assertThat(Thread.interrupted()).isFalse();
    assertThat(kept()).isEmpty();
  }

  @Test
  void modelChangedWhileCopyingFailsAndLeavesNoCopy() throws IOException {
    original = TestModels.table(temp.resolve("store"));
    Path counted = temp.resolve("other.txt");
    ModelReference reference = plan(original, conf(Fault.OTHER_BYTES, counted));
    Files.delete(counted);
    loadingFails(ErrorCode.TA_MODEL_FETCH, reference).contains("other files in the copy");
    assertThat(kept()).isEmpty();
  }

  @Test
  void missingDiskSpaceFailsBeforeCopying() throws IOException {
    loadingFails(ErrorCode.TA_MODEL_FETCH, plan(Fault.HUGE))
        .contains("free bytes in '" + models, "spark.tensorarrow.models.directory");
    assertThat(TestFileSystem.opened(log, SHARD)).isZero();
    assertThat(kept()).isEmpty();
  }

  @Test
  void listedNamesOutsideModelAreRefused() {
    assertError(ErrorCode.TA_MODEL_FETCH, () -> plan(Fault.FOREIGN_NAMES))
        .contains("'test:/etc/passwd', which is no name below");
  }

  @Test
  void alteredCopyIsMadeAgain() throws IOException {
    ModelReference reference = plan(Fault.NONE);
    load(reference);
    Path copy = models.resolve(copyName(reference));
    Files.writeString(copy.resolve("saved_model.pb"), "altered");
    load(reference);
    Files.delete(copy.resolve("variables").resolve(SHARD));
    load(reference);
    Files.write(copy.resolve("variables").resolve(SHARD), new byte[1], StandardOpenOption.APPEND);
    load(reference);
    assertThat(TestFileSystem.opened(log, SHARD)).isEqualTo(4);
    assertThat(kept()).containsExactly(copyName(reference));
  }

  @Test
  void damagedCopyFailsToLoadAndIsMadeAgain() throws IOException {
    ModelReference reference = plan(Fault.NONE);
    load(reference);
    Path shard = models.resolve(copyName(reference)).resolve("variables").resolve(SHARD);
    FileTime time = Files.getLastModifiedTime(shard);
    byte[] bytes = Files.readAllBytes(shard);
    bytes[0] ^= 1;
    Files.write(shard, bytes);
    Files.setLastModifiedTime(shard, time);
    loadingFails(ErrorCode.TA_MODEL_LOAD, reference).contains("Checksum does not match");
    assertThat(kept()).isEmpty();
    load(reference);
    assertThat(kept()).containsExactly(copyName(reference));
    assertThat(TestFileSystem.opened(log, SHARD)).isEqualTo(2);
  }

  @Test
  void directoryWritableByOthersIsRefused() throws IOException {
    Files.createDirectory(models);
    Files.setPosixFilePermissions(models, PosixFilePermissions.fromString("rwxrwxrwx"));
    loadingFails(ErrorCode.TA_MODEL_FETCH, plan(Fault.NONE))
        .contains("permissions rwxrwxrwx", "expected rwx------", "'" + models + "'");
    assertThat(kept()).isEmpty();
  }

  @Test
  void fileInPlaceOfDirectoryIsRefused() throws IOException {
    Files.createFile(models);
    loadingFails(ErrorCode.TA_MODEL_FETCH, plan(Fault.NONE))
        .contains("in '" + models + "'", "spark.tensorarrow.models.directory");
  }

  @Test
  void directoryThatCannotBeCreatedIsRefused() {
    // Not even root can write there.
    Path system = Path.of("/sys/tensorarrow");
    assertError(ErrorCode.TA_MODEL_FETCH, () -> load(plan(Fault.NONE), system))
        .contains("in '" + system + "'", "spark.tensorarrow.models.directory");
  }

  @Test
  void diskFullWhileCopyingFailsAndLeavesNoCopy() throws Exception {
    original = TestModels.table(temp.resolve("store"));
    Files.write(original.resolve("assets/large"), new byte[1 << 20]);
    Process full =
        ChildJvm.startWithShortFiles(
            512,
            LoadProbe.class,
            original.toString(),
            Fault.NONE.name(),
            log.toString(),
            models.toString());
    ChildJvm.Result result = ChildJvm.finish(full);
    assertThat(result.exitCode()).isEqualTo(1);
    assertThat(result.output())
        .contains(
            "[TA_MODEL_FETCH] Cannot copy model 'test:" + original + "' to host '",
            "File too large",
            "in '" + models + "'; expected a directory on a local disk that this user can write");
    assertThat(TestFileSystem.opened(log, "assets/large")).as("driver and executor").isEqualTo(3);
    assertThat(kept()).isEmpty();
    ModelReference reference = plan(Fault.NONE);
    load(reference);
    assertThat(kept()).containsExactly(copyName(reference));
    assertThat(models.resolve(copyName(reference)).resolve("assets/large")).hasSize(1 << 20);
  }

  @Test
  void latestVersionSkipsPartialUploadsWithWarning() throws IOException {
    Path versions = temp.resolve("store/versions");
    TestModels.scaleBy(versions.resolve("1"), 2);
    Files.createDirectories(versions.resolve("2/variables"));
    Files.move(original, versions.resolve("3"));
    Files.delete(versions.resolve("3/variables").resolve(SHARD));
    try (LogCapture captured = LogCapture.of(ModelVersions.class)) {
      ModelReference reference = plan(versions, conf(Fault.NONE));
      assertThat(reference.directory()).isEqualTo("test:" + versions + "/1");
      assertThat(captured.lines(Level.WARN))
          .singleElement(STRING)
          .contains(
              "Reading version 1 of model test:" + versions,
              "'3' (no variables/" + SHARD,
              "'2' (a directory without saved_model.pb");
    }
  }

  @Test
  void unencodableFileNameErrorNamesLocale() throws Exception {
    original = TestModels.table(temp.resolve("store"));
    Files.writeString(original.resolve("assets/w\u00f6rter"), "");
    Process child =
        ChildJvm.start(List.of(), Map.of("LC_ALL", "C"), ReadProbe.class, original.toString());
    ChildJvm.Result result = ChildJvm.finish(child);
    assertThat(result.output().lines())
        .hasSize(2)
        .allSatisfy(
            line ->
                assertThat(line)
                    .contains("of this process does not have", "LC_ALL=C.UTF-8", "executorEnv"));
  }

  /** Reads a local model and a name, and tells what is wrong with them. */
  static final class ReadProbe {
    private ReadProbe() {}

    public static void main(String[] args) {
      try {
        SavedModelFile.read(Path.of(args[0]));
      } catch (TensorArrowException e) {
        System.out.println(e.getMessage());
      }
      try {
        load(
            new ModelReference(args[0] + "/m\u00f6del", "sha256:0", List.of("serve")),
            Path.of(args[0]));
      } catch (TensorArrowException e) {
        System.out.println(e.getMessage());
      }
    }
  }

  @Test
  void unusedCopiesAreDeletedWhenAnotherIsMade() throws IOException {
    List<ModelReference> all = new ArrayList<>();
    for (String name : List.of("a", "b", "c", "d")) {
      Path model = TestModels.scaleBy(temp.resolve(name), name.charAt(0));
      all.add(plan(model, conf(Fault.NONE)));
    }
    List<ModelReference> old = all.subList(0, 3);
    old.forEach(this::load);
    FileTime longAgo = FileTime.from(Instant.now().minus(Duration.ofDays(8)));
    for (ModelReference each : old) {
      Files.setLastModifiedTime(models.resolve(copyName(each) + ".lock"), longAgo);
    }
    // The second was used again; the third is in use by another process.
    load(all.get(1));
    Path lock = models.resolve(copyName(all.get(2)) + ".lock");
    Process other = ChildJvm.start(List.of(), Map.of(), LockProbe.class, lock.toString());
    try {
      assertThat(other.inputReader().readLine()).isEqualTo("locked");
      load(all.get(3));
      assertThat(kept())
          .containsExactlyInAnyOrder(
              copyName(all.get(1)), copyName(all.get(2)), copyName(all.get(3)));
    } finally {
      other.destroyForcibly();
    }
  }

  /** Locks a file as a reader does until it is killed. */
  static final class LockProbe {
    private LockProbe() {}

    public static void main(String[] args) throws Exception {
      try (FileChannel channel = FileChannel.open(Path.of(args[0]), StandardOpenOption.READ);
          FileLock lock = channel.lock(0, Long.MAX_VALUE, true)) {
        System.out.println(lock.isShared() ? "locked" : "not shared");
        Thread.sleep(600_000);
      }
    }
  }

  @Test
  void concurrentThreadsAndProcessesCopyOnce() throws Exception {
    List<Process> others = new ArrayList<>();
    ExecutorService pool = Executors.newCachedThreadPool();
    try {
      for (int i = 0; i < 2; i++) {
        others.add(startCopying(Fault.SLOW));
      }
      ModelReference reference = plan(Fault.SLOW);
      List<Future<?>> loads = new ArrayList<>();
      for (int i = 0; i < 3; i++) {
        loads.add(pool.submit(() -> load(reference)));
      }
      for (Future<?> load : loads) {
        load.get(120, TimeUnit.SECONDS);
      }
      for (Process other : others) {
        ChildJvm.Result result = ChildJvm.finish(other);
        assertThat(result.exitCode()).as(result.output()).isZero();
        assertThat(result.output()).contains("loaded");
      }
      assertThat(TestFileSystem.opened(log, SHARD)).isEqualTo(1);
      assertThat(kept()).containsExactly(copyName(reference));
    } finally {
      pool.shutdownNow();
      others.forEach(Process::destroyForcibly);
    }
  }

  @Test
  void unfinishedCopyOfKilledProcessIsDeleted() throws Exception {
    Process other = startCopying(Fault.SLOW);
    try {
      awaitOpened(1);
    } finally {
      other.destroyForcibly().waitFor();
    }
    assertThat(kept()).singleElement().asString().contains(".unfinished-");
    ModelReference reference = plan(Fault.NONE);
    load(reference);
    assertThat(kept()).containsExactly(copyName(reference));
  }

  @Test
  void copyingAndWaitingThreadsCanBeInterrupted() throws Exception {
    ModelReference reference = plan(Fault.SLOW);
    List<Throwable> failures = new ArrayList<>();
    Thread copying = loadInThread(reference, failures);
    awaitOpened(1);
    Thread waiting = loadInThread(reference, failures);
    waiting.interrupt();
    waiting.join(60_000);
    copying.interrupt();
    copying.join(60_000);
    assertThat(failures)
        .hasSize(2)
        .allSatisfy(
            e ->
                assertThat(e)
                    .isInstanceOf(TensorArrowException.class)
                    .hasMessageContaining("[TA_MODEL_FETCH] Cannot copy model")
                    .hasMessageContaining("the task interrupted"));
    assertThat(kept()).isEmpty();
  }

  private Thread loadInThread(ModelReference reference, List<Throwable> failures) {
    Thread thread =
        new Thread(
            () -> {
              try {
                load(reference);
              } catch (TensorArrowException e) {
                synchronized (failures) {
                  failures.add(e);
                }
              }
            });
    thread.start();
    return thread;
  }

  private void awaitOpened(int times) throws Exception {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (TestFileSystem.opened(log, SHARD) < times && System.nanoTime() < deadline) {
      Thread.sleep(20);
    }
    assertThat(TestFileSystem.opened(log, SHARD)).isEqualTo(times);
  }

  private Process startCopying(Fault fault) throws IOException {
    return ChildJvm.start(
        List.of(),
        Map.of(),
        LoadProbe.class,
        original.toString(),
        fault.name(),
        log.toString(),
        models.toString());
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
