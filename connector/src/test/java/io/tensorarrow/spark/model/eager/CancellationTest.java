package io.tensorarrow.spark.model.eager;

import static io.tensorarrow.spark.testing.Tensors.close;
import static io.tensorarrow.spark.testing.Tensors.floats;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tensorarrow.spark.model.ModelCache;
import io.tensorarrow.spark.model.ModelLease;
import io.tensorarrow.spark.model.ModelReference;
import io.tensorarrow.spark.model.ModelTestBase;
import io.tensorarrow.spark.tensor.NativeTensor;
import io.tensorarrow.spark.testing.FailingModels;
import io.tensorarrow.spark.testing.TestModels;
import java.net.URL;
import java.net.URLClassLoader;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class CancellationTest extends ModelTestBase {
  private static final String SERVING = "serving_default";
  private static final int GENEROUS = 30;
  private static final InheritableThreadLocal<String> INHERITABLE = new InheritableThreadLocal<>();

  private final ExecutorService pool = Executors.newCachedThreadPool();
  private final AtomicBoolean killed = new AtomicBoolean();

  @AfterEach
  void stopThreads() {
    killed.set(true);
    pool.shutdownNow();
  }

  /** Answers as told, and tells that it was asked often enough for a call to be under way. */
  private static final class Asked {
    private final AtomicInteger times = new AtomicInteger();
    private final AtomicBoolean answer;

    Asked(AtomicBoolean answer) {
      this.answer = answer;
    }

    boolean get() {
      times.incrementAndGet();
      return answer.get();
    }

    void await(int more) throws InterruptedException {
      int enough = times.get() + more;
      long deadline = System.nanoTime() + Duration.ofSeconds(GENEROUS).toNanos();
      while (times.get() < enough && System.nanoTime() < deadline) {
        Thread.sleep(5);
      }
      assertThat(times.get()).as("how often the watchdog asked").isGreaterThanOrEqualTo(enough);
    }
  }

  private static void runOn(EagerCall call, float... values) {
    try (NativeTensor x = floats(values, values.length)) {
      List<NativeTensor> y = call.run(List.of(x));
      assertThat(floats(y.get(0))).isEqualTo(values);
      close(y);
    }
  }

  @Test
  void killedTaskEndsAndModelServesOthers() throws Exception {
    Asked asked = new Asked(killed);
    ModelCache cache = cache(1);
    ModelReference model = reference(FailingModels.endless(temp));
    try (ModelLease mine = cache.acquire(model, ONE_THREAD, asked::get);
        EagerCall loop = mine.newCall(SERVING, List.of("y"));
        ModelLease others = cache.acquire(model, ONE_THREAD);
        EagerCall other = others.newCall(SERVING, List.of("y"))) {
      runOn(loop, 1, 2);
      Future<?> running = pool.submit(() -> runOn(loop, -1));
      asked.await(5);
      assertThat(running.isDone()).isFalse();
      runOn(other, 3);
      killed.set(true);
      assertThatThrownBy(() -> running.get(GENEROUS, TimeUnit.SECONDS))
          .isInstanceOf(ExecutionException.class)
          .cause()
          .isInstanceOf(CancellationException.class)
          .hasMessageContaining("Cannot run signature 'serving_default'")
          .hasMessageContaining("killed");
      runOn(other, 4, 5);
      assertThatThrownBy(() -> runOn(loop, 1))
          .as("cancelled once and for all")
          .isInstanceOf(CancellationException.class);
    }
    try (ModelLease lease = cache.acquire(model, ONE_THREAD);
        EagerCall call = lease.newCall(SERVING, List.of("y"))) {
      assertThat(lease.loadNanos()).as("still the same model").isZero();
      runOn(call, 6);
    }
  }

  @Test
  void closingFromAnotherThreadWaitsForTheCancelledRun() throws Exception {
    Asked asked = new Asked(killed);
    ModelCache cache = cache(1);
    ModelReference model = reference(FailingModels.endless(temp));
    for (int round = 0; round < 5; round++) {
      killed.set(false);
      ModelLease lease = cache.acquire(model, ONE_THREAD, asked::get);
      EagerCall loop = lease.newCall(SERVING, List.of("y"));
      Future<?> running = pool.submit(() -> runOn(loop, -1));
      asked.await(2);
      Future<?> closing =
          pool.submit(
              () -> {
                loop.close();
                lease.close();
              });
      killed.set(true);
      assertThatThrownBy(() -> running.get(GENEROUS, TimeUnit.SECONDS))
          .hasCauseInstanceOf(CancellationException.class);
      closing.get(GENEROUS, TimeUnit.SECONDS);
    }
  }

  /** A call takes some microseconds, so that most of the kills meet one that begins or ends. */
  @Test
  void killRacingWithEndOfCallIsSafe() {
    ModelCache cache = cache(1);
    ModelReference model = reference(FailingModels.endless(temp));
    AtomicInteger cancelled = new AtomicInteger();
    for (int round = 0; round < 20; round++) {
      AtomicBoolean now = new AtomicBoolean();
      try (ModelLease lease = cache.acquire(model, ONE_THREAD, now::get);
          EagerCall call = lease.newCall(SERVING, List.of("y"))) {
        now.set(true);
        while (true) {
          runOn(call, 1, 2, 3);
        }
      } catch (CancellationException e) {
        cancelled.incrementAndGet();
      }
    }
    assertThat(cancelled).hasValue(20);
  }

  @Test
  void killedLoaderEndsAndWaiterLoads() throws Exception {
    Asked asked = new Asked(killed);
    AtomicBoolean alsoKilled = new AtomicBoolean();
    Asked waiter = new Asked(alsoKilled);
    ModelCache cache = cache(1);
    ModelReference model = reference(FailingModels.endlessInitialiser(temp));
    Future<ModelLease> first = pool.submit(() -> cache.acquire(model, ONE_THREAD, asked::get));
    asked.await(3);
    Future<ModelLease> second = pool.submit(() -> cache.acquire(model, ONE_THREAD, waiter::get));
    waiter.await(3);
    killed.set(true);
    assertThatThrownBy(() -> first.get(GENEROUS, TimeUnit.SECONDS))
        .hasCauseInstanceOf(CancellationException.class)
        .hasMessageContaining("Cannot load model");
    waiter.await(3);
    assertThat(second.isDone()).as("it loads now, and that never ends").isFalse();
    alsoKilled.set(true);
    assertThatThrownBy(() -> second.get(GENEROUS, TimeUnit.SECONDS))
        .hasCauseInstanceOf(CancellationException.class);
    assertThat(cache.openModels()).isZero();
  }

  @Test
  void killedWaiterEndsWhileLoaderGoesOn() throws Exception {
    AtomicBoolean loaderKilled = new AtomicBoolean();
    Asked asked = new Asked(loaderKilled);
    ModelCache cache = cache(1);
    ModelReference model = reference(FailingModels.endlessInitialiser(temp));
    Future<ModelLease> loading = pool.submit(() -> cache.acquire(model, ONE_THREAD, asked::get));
    asked.await(3);
    killed.set(true);
    assertThatThrownBy(() -> cache.acquire(model, ONE_THREAD, killed::get))
        .isInstanceOf(CancellationException.class)
        .hasMessageContaining("Cannot load model");
    assertThat(loading.isDone()).isFalse();
    loaderKilled.set(true);
    assertThatThrownBy(() -> loading.get(GENEROUS, TimeUnit.SECONDS))
        .hasCauseInstanceOf(CancellationException.class);
  }

  @Test
  void watchdogThreadEndsWhenNothingRuns() throws Exception {
    awaitNoWatchdog();
    ModelCache cache = cache(1);
    // As the task of a session whose class loader and thread-locals go before the watchdog.
    ClassLoader before = Thread.currentThread().getContextClassLoader();
    Thread.currentThread().setContextClassLoader(new URLClassLoader(new URL[0], before));
    INHERITABLE.set("the session's");
    AtomicReference<String> inherited = new AtomicReference<>("not asked");
    Asked asked = new Asked(killed);
    BooleanSupplier asking =
        () -> {
          if (Thread.currentThread().getName().equals("tensorarrow-watchdog")) {
            inherited.set(String.valueOf(INHERITABLE.get()));
          }
          return asked.get();
        };
    try (ModelLease lease = cache.acquire(reference(TestModels.scale(temp)), ONE_THREAD, asking);
        EagerCall call = lease.newCall(SERVING, List.of("y"))) {
      assertThat(call.fetches()).hasSize(1);
      asked.await(2);
      assertThat(watchdogs()).hasSize(1);
      assertThat(inherited.get()).as("what the thread got from the task's").isEqualTo("null");
      assertThat(watchdogs().get(0).getContextClassLoader())
          .isSameAs(Cancellation.class.getClassLoader());
    } finally {
      INHERITABLE.remove();
      Thread.currentThread().setContextClassLoader(before);
    }
    awaitNoWatchdog();
  }

  private static void awaitNoWatchdog() throws InterruptedException {
    long deadline = System.nanoTime() + Duration.ofSeconds(GENEROUS).toNanos();
    while (!watchdogs().isEmpty() && System.nanoTime() < deadline) {
      Thread.sleep(50);
    }
    assertThat(watchdogs()).isEmpty();
  }

  private static List<Thread> watchdogs() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().equals("tensorarrow-watchdog"))
        .toList();
  }
}
