package io.tensorarrow.spark.model;

import static org.assertj.core.api.Assertions.assertThat;

import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.testing.ChildJvm;
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
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** Copies of remote models that several threads and processes make, use or delete. */
class RemoteModelLockingTest extends RemoteModelTestBase {
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
}
