package io.tensorarrow.spark.model;

import static io.tensorarrow.spark.testing.Tensors.close;
import static io.tensorarrow.spark.testing.Tensors.floats;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.model.eager.EagerCall;
import io.tensorarrow.spark.model.eager.ModelSettings;
import io.tensorarrow.spark.model.savedmodel.SavedModelLayout;
import io.tensorarrow.spark.tensor.NativeTensor;
import io.tensorarrow.spark.testing.TestModels;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
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
  void concurrentAcquiresLoadModelOnce() throws Exception {
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
  void differentSettingsLoadModelSeparately() {
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
  void leastRecentlyUsedModelIsClosedBeyondMaxModels() {
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
  void leasedModelsStayOpenBeyondMaxModelsUntilReleased() {
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
  void idleModelsBeyondMaxBytesAreClosedExceptLastUsed() throws IOException {
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
  void releasedModelIsMostRecentlyUsed() {
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
  void shutdownClosesIdleModelsAtOnceAndLeasedOnesOnRelease() {
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
  void fiftyModelsTakeTurnsInSmallCache() throws Exception {
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
  void modelsAreClosedAfterIdleTimeUnlessLeased() {
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
  void sweeperThreadClosesIdleModels() throws Exception {
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
  void fiftyReloadsLeaveOneModelOpen() {
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
  void loadFailureReachesAllWaitersAndIsNotCached() throws Exception {
    GatedLoader loader = new GatedLoader();
    ModelCache cache = cache(4, Long.MAX_VALUE, loader);
    ModelReference model = reference(TestModels.scale(temp));
    Future<ModelLease> first = pool.submit(() -> cache.acquire(model, ONE_THREAD));
    loader.awaitFirstAttempt();
    Future<ModelLease> second = acquireAndWait(cache, model);
    loader.failFirstAttempt(
        TensorArrowException.cannot(ErrorCode.TA_MODEL_LOAD, "load")
            .found("a test")
            .expected("a failure"));
    for (Future<ModelLease> each : List.of(first, second)) {
      assertThatThrownBy(() -> each.get(30, TimeUnit.SECONDS))
          .isInstanceOf(ExecutionException.class)
          .cause()
          .isInstanceOf(TensorArrowException.class)
          .hasMessage("[TA_MODEL_LOAD] Cannot load: found a test; expected a failure");
    }
    assertThat(loader.attempts()).isEqualTo(1);
    cache.acquire(model, ONE_THREAD).close();
    assertThat(loader.attempts()).isEqualTo(2);
    assertThat(cache.openModels()).isEqualTo(1);
  }

  @Test
  void waiterLoadsModelAfterLoaderIsInterrupted() throws Exception {
    GatedLoader loader = new GatedLoader();
    ModelCache cache = cache(4, Long.MAX_VALUE, loader);
    ModelReference model = reference(TestModels.scale(temp));
    Future<ModelLease> killed = pool.submit(() -> cache.acquire(model, ONE_THREAD));
    loader.awaitFirstAttempt();
    Future<ModelLease> waiting = pool.submit(() -> cache.acquire(model, ONE_THREAD));
    killed.cancel(true);
    waiting.get(30, TimeUnit.SECONDS).close();
    assertThat(cache.openModels()).isEqualTo(1);
  }

  /** Hadoop, for one, tells of interruptions by exceptions of its own. */
  @Test
  void waiterLoadsModelAfterKilledLoaderFails() throws Exception {
    AtomicBoolean killed = new AtomicBoolean();
    GatedLoader loader = new GatedLoader();
    ModelCache cache = cache(4, Long.MAX_VALUE, loader);
    ModelReference model = reference(TestModels.scale(temp));
    Future<ModelLease> first = pool.submit(() -> cache.acquire(model, ONE_THREAD, killed::get));
    loader.awaitFirstAttempt();
    Future<ModelLease> waiting = acquireAndWait(cache, model);
    killed.set(true);
    loader.failFirstAttempt(new IllegalStateException("found a kill"));
    assertThatThrownBy(() -> first.get(30, TimeUnit.SECONDS)).hasMessageContaining("found a kill");
    waiting.get(30, TimeUnit.SECONDS).close();
    assertThat(loader.attempts()).isEqualTo(2);
  }

  @Test
  void interruptedWaiterFailsAndHoldsNothing() throws Exception {
    GatedLoader loader = new GatedLoader();
    ModelCache cache = cache(4, Long.MAX_VALUE, loader);
    ModelReference model = reference(TestModels.scale(temp));
    Future<ModelLease> first = pool.submit(() -> cache.acquire(model, ONE_THREAD));
    loader.awaitFirstAttempt();
    Thread.currentThread().interrupt();
    try {
      assertError(ErrorCode.TA_MODEL_LOAD, () -> cache.acquire(model, ONE_THREAD))
          .contains("interrupted");
      assertThat(Thread.currentThread().isInterrupted()).isTrue();
    } finally {
      Thread.interrupted();
    }
    loader.releaseFirstAttempt();
    first.get(30, TimeUnit.SECONDS).close();
    now.addAndGet(Duration.ofHours(1).toNanos());
    cache.sweep();
    assertThat(cache.openModels()).as("the interrupted thread holds nothing").isZero();
  }

  /** Acquires a model in another thread, and returns when that thread waits for the loader. */
  private Future<ModelLease> acquireAndWait(ModelCache cache, ModelReference model)
      throws InterruptedException {
    AtomicReference<Thread> thread = new AtomicReference<>();
    CountDownLatch started = new CountDownLatch(1);
    Future<ModelLease> lease =
        pool.submit(
            () -> {
              thread.set(Thread.currentThread());
              started.countDown();
              return cache.acquire(model, ONE_THREAD);
            });
    assertThat(started.await(30, TimeUnit.SECONDS)).isTrue();
    Thread waiter = Objects.requireNonNull(thread.get());
    while (waiter.getState() != Thread.State.TIMED_WAITING) {
      Thread.sleep(1);
    }
    return lease;
  }

  @Test
  void shutdownEndsSweeperThread() throws Exception {
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
}
