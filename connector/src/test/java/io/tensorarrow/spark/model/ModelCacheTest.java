package io.tensorarrow.spark.model;

import static io.tensorarrow.spark.testing.Tensors.close;
import static io.tensorarrow.spark.testing.Tensors.floats;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.model.eager.EagerCall;
import io.tensorarrow.spark.model.eager.ModelSettings;
import io.tensorarrow.spark.model.savedmodel.SavedModelFile;
import io.tensorarrow.spark.model.savedmodel.SavedModelLayout;
import io.tensorarrow.spark.tensor.NativeTensor;
import io.tensorarrow.spark.testing.TestModels;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class ModelCacheTest extends ModelTestBase {
  private static final ModelCache.Loading LOADER = new ModelLoader(Optional.empty())::load;

  private final ExecutorService pool = Executors.newCachedThreadPool();

  @AfterEach
  void stopThreads() {
    pool.shutdownNow();
  }

  @Test
  void loadsOnceForAllWhoAskAtTheSameTime() throws Exception {
    ModelCache cache = cache(4);
    ModelReference model = reference(TestModels.mlp(temp));
    int threads = 8;
    CyclicBarrier together = new CyclicBarrier(threads);
    List<Future<Long>> loads = new ArrayList<>();
    for (int i = 0; i < threads; i++) {
      loads.add(
          pool.submit(
              () -> {
                together.await();
                try (ModelLease lease = cache.acquire(model, ONE_THREAD)) {
                  return lease.loadNanos();
                }
              }));
    }
    int loaders = 0;
    for (Future<Long> load : loads) {
      loaders += load.get(60, TimeUnit.SECONDS) > 0 ? 1 : 0;
    }
    assertThat(loaders).isEqualTo(1);
    assertThat(cache.loads()).isEqualTo(1);
    assertThat(cache.openModels()).isEqualTo(1);
  }

  @Test
  void loadsOnceMoreForOtherSettings() {
    ModelCache cache = cache(4);
    ModelReference model = reference(TestModels.scale(temp));
    try (ModelLease one = cache.acquire(model, ONE_THREAD);
        ModelLease two = cache.acquire(model, new ModelSettings(2));
        ModelLease again = cache.acquire(model, ONE_THREAD)) {
      assertThat(one.loadNanos()).isPositive();
      assertThat(two.loadNanos()).isPositive();
      assertThat(again.loadNanos()).isZero();
    }
    assertThat(cache.loads()).isEqualTo(2);
  }

  @Test
  void closesTheLeastRecentlyUsedModelBeyondTheLimit() {
    ModelCache cache = cache(2);
    ModelReference one = reference(TestModels.scaleBy(temp.resolve("one"), 1));
    ModelReference two = reference(TestModels.scaleBy(temp.resolve("two"), 2));
    ModelReference three = reference(TestModels.scaleBy(temp.resolve("three"), 3));
    cache.acquire(one, ONE_THREAD).close();
    cache.acquire(two, ONE_THREAD).close();
    cache.acquire(one, ONE_THREAD).close();
    cache.acquire(three, ONE_THREAD).close();
    assertThat(cache.closes()).isEqualTo(1);
    try (ModelLease kept = cache.acquire(one, ONE_THREAD)) {
      assertThat(kept.loadNanos()).isZero();
    }
    try (ModelLease evicted = cache.acquire(two, ONE_THREAD)) {
      assertThat(evicted.loadNanos()).isPositive();
    }
    assertThat(cache.openModels()).isEqualTo(2);
  }

  @Test
  void keepsLeasedModelsBeyondTheLimitUntilTheyAreGivenBack() {
    ModelCache cache = cache(1);
    ModelLease one = cache.acquire(reference(TestModels.scaleBy(temp.resolve("1"), 1)), ONE_THREAD);
    EagerCall call = one.newCall("serving_default", List.of("y"));
    ModelLease two = cache.acquire(reference(TestModels.scaleBy(temp.resolve("2"), 2)), ONE_THREAD);
    assertThat(cache.openModels()).isEqualTo(2);
    one.close();
    assertThat(cache.openModels()).as("the call still needs its model").isEqualTo(2);
    try (NativeTensor x = floats(new float[] {5}, 1)) {
      List<NativeTensor> y = call.run(List.of(x));
      assertThat(floats(y.get(0))).containsExactly(5);
      close(y);
    }
    call.close();
    assertThat(cache.openModels()).isEqualTo(1);
    two.close();
    assertThat(cache.openModels()).as("the last one stays").isEqualTo(1);
  }

  @Test
  void closesIdleModelsThatAreTooLargeInTotalButNotTheOneUsedLast() throws IOException {
    Path mlp = TestModels.mlp(temp);
    long bytes = SavedModelLayout.bytes(mlp);
    assertThat(bytes)
        .isEqualTo(
            Files.size(mlp.resolve("saved_model.pb"))
                + Files.size(mlp.resolve("variables/variables.data-00000-of-00001")));
    Path scale = TestModels.scale(temp);
    Path other = TestModels.scaleBy(temp.resolve("other"), 3);
    ModelCache cache = cache(4, bytes + SavedModelLayout.bytes(scale), LOADER);
    cache.acquire(reference(mlp), ONE_THREAD).close();
    cache.acquire(reference(scale), ONE_THREAD).close();
    assertThat(cache.openModels()).as("both fit").isEqualTo(2);
    try (ModelLease used = cache.acquire(reference(other), ONE_THREAD)) {
      assertThat(used.loadNanos()).isPositive();
      assertThat(cache.openModels()).as("without the one not used for longest").isEqualTo(2);
      assertThat(cache.closes()).isEqualTo(1);
    }
    ModelCache small = cache(4, 1, LOADER);
    small.acquire(reference(mlp), ONE_THREAD).close();
    try (ModelLease again = small.acquire(reference(mlp), ONE_THREAD)) {
      assertThat(again.loadNanos()).as("kept although too large").isZero();
      small.acquire(reference(scale), ONE_THREAD).close();
      assertThat(small.openModels()).as("the one in use").isEqualTo(1);
    }
  }

  @Test
  void aModelThatWasInUseForLongCountsAsUsedWhenItIsGivenBack() {
    ModelCache cache = cache(2);
    ModelReference one = reference(TestModels.scaleBy(temp.resolve("1"), 1));
    ModelReference two = reference(TestModels.scaleBy(temp.resolve("2"), 2));
    ModelLease long1 = cache.acquire(one, ONE_THREAD);
    cache.acquire(two, ONE_THREAD).close();
    long1.close();
    cache.acquire(reference(TestModels.scaleBy(temp.resolve("3"), 3)), ONE_THREAD).close();
    try (ModelLease kept = cache.acquire(one, ONE_THREAD)) {
      assertThat(kept.loadNanos()).isZero();
    }
  }

  @Test
  void shutdownClosesIdleModelsAtOnceAndTheOthersWhenTheyAreGivenBack() {
    ModelCache cache = cache(4);
    ModelReference one = reference(TestModels.scaleBy(temp.resolve("1"), 1));
    ModelReference two = reference(TestModels.scaleBy(temp.resolve("2"), 2));
    cache.acquire(one, ONE_THREAD).close();
    ModelLease used = cache.acquire(two, ONE_THREAD);
    EagerCall call = used.newCall("serving_default", List.of("y"));
    cache.shutdown();
    assertThat(cache.openModels()).isEqualTo(1);
    used.close();
    try (NativeTensor x = floats(new float[] {5}, 1)) {
      List<NativeTensor> y = call.run(List.of(x));
      assertThat(floats(y.get(0))).containsExactly(10);
      close(y);
    }
    call.close();
    assertThat(cache.openModels()).isZero();
    cache.acquire(one, ONE_THREAD).close();
    assertThat(cache.openModels()).as("nothing is kept any more").isZero();
  }

  @Test
  void sixtyFourTasksShareOneModel() throws Exception {
    ModelCache cache = cache(1);
    ModelReference model = reference(TestModels.scale(temp));
    int tasks = 64;
    CyclicBarrier together = new CyclicBarrier(tasks);
    List<Future<?>> done = new ArrayList<>();
    for (int t = 0; t < tasks; t++) {
      float value = t;
      done.add(
          pool.submit(
              () -> {
                together.await();
                for (int i = 0; i < 20; i++) {
                  scales(cache, model, value, 2 * value);
                }
                return null;
              }));
    }
    for (Future<?> each : done) {
      each.get(60, TimeUnit.SECONDS);
    }
    assertThat(cache.loads()).isEqualTo(1);
  }

  /** Models are closed for others while yet others are loaded, and give what they should. */
  @Test
  void fiftyModelsTakeTurnsInOneExecutor() throws Exception {
    ModelCache cache = cache(3);
    List<ModelReference> models = new ArrayList<>();
    for (int m = 0; m < 50; m++) {
      models.add(reference(TestModels.scaleBy(temp.resolve("m" + m), m)));
    }
    List<Future<?>> done = new ArrayList<>();
    for (int t = 0; t < 4; t++) {
      int start = 7 * t;
      done.add(
          pool.submit(
              () -> {
                for (int i = 0; i < 100; i++) {
                  int m = (start + i) % 50;
                  scales(cache, models.get(m), 2, 2 * m);
                }
              }));
    }
    for (Future<?> each : done) {
      each.get(60, TimeUnit.SECONDS);
    }
    assertThat(cache.openModels()).isLessThanOrEqualTo(3);
    assertThat(cache.closes()).isGreaterThanOrEqualTo(47);
  }

  private static void scales(ModelCache cache, ModelReference model, float x, float expected) {
    try (ModelLease lease = cache.acquire(model, ONE_THREAD);
        EagerCall call = lease.newCall("serving_default", List.of("y"));
        NativeTensor feed = floats(new float[] {x, x}, 2)) {
      List<NativeTensor> y = call.run(List.of(feed));
      assertThat(floats(y.get(0))).containsExactly(expected, expected);
      close(y);
    }
  }

  @Test
  void closesModelsThatNoOneUsedForAWhile() {
    ModelCache cache = cache(4);
    ModelReference one = reference(TestModels.scaleBy(temp.resolve("one"), 1));
    ModelReference two = reference(TestModels.scaleBy(temp.resolve("two"), 2));
    cache.acquire(one, ONE_THREAD).close();
    try (ModelLease used = cache.acquire(two, ONE_THREAD)) {
      now.addAndGet(Duration.ofMinutes(59).toNanos());
      cache.sweep();
      assertThat(cache.openModels()).isEqualTo(2);
      now.addAndGet(Duration.ofMinutes(1).toNanos());
      cache.sweep();
      assertThat(cache.openModels()).as("the leased one").isEqualTo(1);
    }
    now.addAndGet(Duration.ofHours(1).toNanos());
    cache.sweep();
    assertThat(cache.openModels()).isZero();
  }

  @Test
  void sweepsByItself() throws Exception {
    ModelCache cache =
        new ModelCache(
            new ExecutorModelSettings(4, Long.MAX_VALUE, Duration.ofMillis(50), Optional.empty()),
            new ModelLoader(Optional.empty())::load,
            System::nanoTime);
    cache.acquire(reference(TestModels.scale(temp)), ONE_THREAD).close();
    long deadline = System.nanoTime() + Duration.ofSeconds(30).toNanos();
    while (cache.openModels() > 0 && System.nanoTime() < deadline) {
      Thread.sleep(10);
    }
    assertThat(cache.openModels()).isZero();
    assertThat(cache.closes()).isEqualTo(1);
  }

  @Test
  void fiftyRoundsOfLoadingLeaveNothingOpen() {
    ModelCache cache = cache(1);
    ModelReference mlp = reference(TestModels.mlp(temp));
    ModelReference function = reference(TestModels.function(temp));
    for (int i = 0; i < 50; i++) {
      cache.acquire(i % 2 == 0 ? mlp : function, ONE_THREAD).close();
      assertThat(cache.openModels()).isEqualTo(1);
    }
    assertThat(cache.loads()).isEqualTo(50);
    assertThat(cache.closes()).isEqualTo(49);
  }

  @Test
  void failureReachesAllWhoWaitAndIsNotKept() throws Exception {
    CountDownLatch loading = new CountDownLatch(1);
    CountDownLatch fail = new CountDownLatch(1);
    AtomicInteger attempts = new AtomicInteger();
    ModelLoader loader = new ModelLoader(Optional.empty());
    ModelCache cache =
        cache(
            4,
            Long.MAX_VALUE,
            (model, settings, cancelled) -> {
              if (attempts.getAndIncrement() == 0) {
                loading.countDown();
                await(fail);
                throw new TensorArrowException(
                    ErrorCode.TA_MODEL_LOAD, "Cannot load: found a test");
              }
              return loader.load(model, settings, cancelled);
            });
    ModelReference model = reference(TestModels.scale(temp));
    Future<ModelLease> first = pool.submit(() -> cache.acquire(model, ONE_THREAD));
    assertThat(loading.await(30, TimeUnit.SECONDS)).isTrue();
    CountDownLatch asking = new CountDownLatch(1);
    Thread[] waiter = new Thread[1];
    Future<ModelLease> second =
        pool.submit(
            () -> {
              waiter[0] = Thread.currentThread();
              asking.countDown();
              return cache.acquire(model, ONE_THREAD);
            });
    assertThat(asking.await(30, TimeUnit.SECONDS)).isTrue();
    awaitBlocked(waiter[0]);
    fail.countDown();
    for (Future<ModelLease> each : List.of(first, second)) {
      assertThatThrownBy(() -> each.get(30, TimeUnit.SECONDS))
          .isInstanceOf(ExecutionException.class)
          .cause()
          .isInstanceOf(TensorArrowException.class)
          .hasMessage("[TA_MODEL_LOAD] Cannot load: found a test");
    }
    assertThat(attempts).hasValue(1);
    cache.acquire(model, ONE_THREAD).close();
    assertThat(attempts).hasValue(2);
    assertThat(cache.openModels()).isEqualTo(1);
  }

  @Test
  void interruptedLoaderLeavesTheWorkToThoseWhoWait() throws Exception {
    CountDownLatch loading = new CountDownLatch(1);
    CountDownLatch never = new CountDownLatch(1);
    AtomicInteger attempts = new AtomicInteger();
    ModelLoader loader = new ModelLoader(Optional.empty());
    ModelCache cache =
        cache(
            4,
            Long.MAX_VALUE,
            (model, settings, cancelled) -> {
              if (attempts.getAndIncrement() == 0) {
                loading.countDown();
                await(never);
              }
              return loader.load(model, settings, cancelled);
            });
    ModelReference model = reference(TestModels.scale(temp));
    Future<ModelLease> killed = pool.submit(() -> cache.acquire(model, ONE_THREAD));
    assertThat(loading.await(30, TimeUnit.SECONDS)).isTrue();
    Future<ModelLease> waiting = pool.submit(() -> cache.acquire(model, ONE_THREAD));
    killed.cancel(true);
    waiting.get(30, TimeUnit.SECONDS).close();
    assertThat(cache.openModels()).isEqualTo(1);
  }

  /** Hadoop, for one, tells of interruptions by exceptions of its own. */
  @Test
  void whateverAKilledLoaderFailsWithIsNoFaultOfTheModel() throws Exception {
    AtomicBoolean killed = new AtomicBoolean();
    CountDownLatch loading = new CountDownLatch(1);
    CountDownLatch fail = new CountDownLatch(1);
    AtomicInteger attempts = new AtomicInteger();
    ModelLoader loader = new ModelLoader(Optional.empty());
    ModelCache cache =
        cache(
            4,
            Long.MAX_VALUE,
            (model, settings, cancelled) -> {
              if (attempts.getAndIncrement() == 0) {
                loading.countDown();
                await(fail);
                throw new IllegalStateException("found a kill");
              }
              return loader.load(model, settings, cancelled);
            });
    ModelReference model = reference(TestModels.scale(temp));
    Future<ModelLease> first = pool.submit(() -> cache.acquire(model, ONE_THREAD, killed::get));
    assertThat(loading.await(30, TimeUnit.SECONDS)).isTrue();
    Thread[] waiter = new Thread[1];
    CountDownLatch asking = new CountDownLatch(1);
    Future<ModelLease> waiting =
        pool.submit(
            () -> {
              waiter[0] = Thread.currentThread();
              asking.countDown();
              return cache.acquire(model, ONE_THREAD);
            });
    assertThat(asking.await(30, TimeUnit.SECONDS)).isTrue();
    awaitBlocked(waiter[0]);
    killed.set(true);
    fail.countDown();
    assertThatThrownBy(() -> first.get(30, TimeUnit.SECONDS)).hasMessageContaining("found a kill");
    waiting.get(30, TimeUnit.SECONDS).close();
    assertThat(attempts).hasValue(2);
  }

  @Test
  void noThreadIsLeftAfterShutdown() throws Exception {
    // Other tests of this process have caches of their own.
    List<Thread> others = sweepers();
    ModelCache cache = cache(4);
    cache.acquire(reference(TestModels.scale(temp)), ONE_THREAD).close();
    assertThat(sweepersBut(others)).isNotEmpty();
    // They would keep the class loader of the session whose task started them.
    assertThat(sweepersBut(others))
        .allMatch(t -> t.getContextClassLoader() == ModelCache.class.getClassLoader());
    cache.shutdown();
    long deadline = System.nanoTime() + Duration.ofSeconds(30).toNanos();
    while (!sweepersBut(others).isEmpty() && System.nanoTime() < deadline) {
      Thread.sleep(10);
    }
    assertThat(sweepersBut(others)).isEmpty();
    cache.acquire(reference(TestModels.scale(temp)), ONE_THREAD).close();
    assertThat(cache.openModels()).isZero();
    assertThat(sweepersBut(others)).isEmpty();
  }

  private static List<Thread> sweepersBut(List<Thread> others) {
    return sweepers().stream().filter(thread -> !others.contains(thread)).toList();
  }

  private static List<Thread> sweepers() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().equals("tensorarrow-model-cache"))
        .toList();
  }

  @Test
  void waitingCanBeInterrupted() throws Exception {
    CountDownLatch loading = new CountDownLatch(1);
    CountDownLatch goOn = new CountDownLatch(1);
    ModelLoader loader = new ModelLoader(Optional.empty());
    ModelCache cache =
        cache(
            4,
            Long.MAX_VALUE,
            (model, settings, cancelled) -> {
              loading.countDown();
              await(goOn);
              return loader.load(model, settings, cancelled);
            });
    ModelReference model = reference(TestModels.scale(temp));
    Future<ModelLease> first = pool.submit(() -> cache.acquire(model, ONE_THREAD));
    assertThat(loading.await(30, TimeUnit.SECONDS)).isTrue();
    Thread.currentThread().interrupt();
    try {
      assertError(ErrorCode.TA_MODEL_LOAD, () -> cache.acquire(model, ONE_THREAD))
          .contains("interrupted");
      assertThat(Thread.currentThread().isInterrupted()).isTrue();
    } finally {
      Thread.interrupted();
    }
    goOn.countDown();
    first.get(30, TimeUnit.SECONDS).close();
    now.addAndGet(Duration.ofHours(1).toNanos());
    cache.sweep();
    assertThat(cache.openModels()).as("the interrupted thread holds nothing").isZero();
  }

  @Test
  void refusesAModelThatChangedAfterPlanning() {
    Path directory = temp.resolve("model");
    ModelReference planned = reference(TestModels.scaleBy(directory, 2));
    TestModels.scaleBy(directory, 3);
    String found = SavedModelFile.read(directory).fingerprint();
    assertError(ErrorCode.TA_MODEL_CHANGED, () -> cache(1).acquire(planned, ONE_THREAD))
        .contains(directory.toString(), found, planned.fingerprint());
  }

  @Test
  void namesTheHostThatLacksTheModel() {
    Path directory = temp.resolve("gone");
    ModelReference model = new ModelReference(directory.toString(), "sha256:0", List.of("serve"));
    assertError(ErrorCode.TA_MODEL_NOT_FOUND, () -> cache(1).acquire(model, ONE_THREAD))
        .contains(directory.toString(), "on host '", "share", "same path");
  }

  @Test
  void namesTheOperationThatTensorFlowLacks() {
    ModelReference model = reference(TestModels.unknownOp(temp));
    ModelCache cache = cache(1);
    for (int i = 0; i < 20; i++) {
      assertError(ErrorCode.TA_MODEL_LOAD, () -> cache.acquire(model, ONE_THREAD))
          .contains("MadeUpOperation", "custom operations");
    }
    assertThat(cache.openModels()).isZero();
  }

  @Test
  void checksAgainWhatModelsReach() throws IOException {
    Path read = Files.writeString(temp.resolve("read"), "12345");
    Path written = temp.resolve("written");
    ModelReference reader = reference(TestModels.readsFile(temp, read));
    ModelReference writer = reference(TestModels.writesFileWhenLoaded(temp, written));
    ModelCache cache = cache(4);

    assertError(ErrorCode.TA_OP_NOT_ALLOWED, () -> cache.acquire(writer, ONE_THREAD))
        .contains("'WriteFile'", "initialiser > write");
    assertThat(written).doesNotExist();
    try (ModelLease lease = cache.acquire(reader, ONE_THREAD)) {
      assertError(ErrorCode.TA_OP_NOT_ALLOWED, () -> lease.newCall("serving_default", List.of("y")))
          .contains("'ReadFile'", "serving_default > content");
    }
    try (ModelLease lease = cache.acquire(allowing(reader, "ReadFile"), ONE_THREAD);
        EagerCall call = lease.newCall("serving_default", List.of("y"));
        NativeTensor x = floats(new float[] {1}, 1)) {
      assertThat(lease.loadNanos()).as("not the refused one's place in the cache").isPositive();
      List<NativeTensor> y = call.run(List.of(x));
      assertThat(floats(y.get(0))).containsExactly(6);
      close(y);
    }
    cache.acquire(allowing(writer, "WriteFile"), ONE_THREAD).close();
    assertThat(written).exists();
  }

  /** TensorFlow computes shapes while it imports a graph, and fails if this one is negative. */
  @Test
  void readsNoFileForNodesThatNothingReaches() throws IOException {
    Path negative = Files.write(temp.resolve("negative"), new byte[] {-5, -1, -1, -1});
    ModelReference model = reference(TestModels.readsFileForNothing(temp, negative));

    cache(1).acquire(model, ONE_THREAD).close();
    assertError(
            ErrorCode.TA_MODEL_LOAD,
            () -> cache(1).acquire(allowing(model, "ReadFile"), ONE_THREAD))
        .contains("-5");
  }

  private static ModelReference allowing(ModelReference model, String op) {
    return new ModelReference(model.directory(), model.fingerprint(), model.tags(), List.of(op));
  }

  @Test
  void noticesDamagedVariables() throws IOException {
    Path directory = TestModels.mlp(temp);
    Path data = directory.resolve("variables/variables.data-00000-of-00001");
    byte[] bytes = Files.readAllBytes(data);
    bytes[10] ^= 0x55;
    Files.write(data, bytes);
    ModelReference model = reference(directory);
    assertError(ErrorCode.TA_MODEL_LOAD, () -> cache(1).acquire(model, ONE_THREAD))
        .contains(directory.toString(), "hecksum", "copy the model again");
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new TensorArrowException(ErrorCode.TA_MODEL_LOAD, "Cannot load: found a kill", e);
    }
  }

  private static void awaitBlocked(Thread thread) throws InterruptedException {
    while (thread.getState() != Thread.State.TIMED_WAITING) {
      Thread.sleep(1);
    }
  }
}
