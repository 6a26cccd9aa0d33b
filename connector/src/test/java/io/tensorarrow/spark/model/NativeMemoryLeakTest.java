package io.tensorarrow.spark.model;

import static org.assertj.core.api.Assertions.assertThat;

import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.tensor.NativeTensor;
import io.tensorarrow.spark.testing.ChildJvm;
import io.tensorarrow.spark.testing.Tensors;
import io.tensorarrow.spark.testing.TestModels;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What no counter counts shows in the size of the process. It is measured in a process of its own,
 * whose heap does not grow, and after a warm-up as long as what is measured.
 */
class NativeMemoryLeakTest {
  @TempDir Path temp;

  @Test
  void batchesLeaveNothingBehind() throws Exception {
    // Less than 400 bytes for each of the second 40,000 batches.
    assertThat(megabytesOf("batches", TestModels.mlp(temp))).isLessThan(16);
  }

  @Test
  void modelsLeaveNothingBehind() throws Exception {
    // A graph, function, constant or variable that stays takes a megabyte in each of the rounds.
    assertThat(megabytesOf("loads", TestModels.heavy(temp))).isLessThan(24);
  }

  @Test
  void modelsThatCanNotBeLoadedLeaveNothingBehind() throws Exception {
    Path damaged = TestModels.heavy(temp);
    Path data = damaged.resolve("variables/variables.data-00000-of-00001");
    byte[] bytes = Files.readAllBytes(data);
    bytes[10] ^= 0x55;
    Files.write(data, bytes);
    assertThat(megabytesOf("loads", damaged)).isLessThan(24);
  }

  @Test
  void tablesLeaveNothingBehind() throws Exception {
    assertThat(megabytesOf("loads", TestModels.table(temp))).isLessThan(24);
  }

  private static long megabytesOf(String what, Path model)
      throws IOException, InterruptedException {
    ChildJvm.Result result =
        ChildJvm.finish(
            ChildJvm.start(
                List.of("-Xms256m", "-XX:+AlwaysPreTouch", "-XX:TieredStopAtLevel=1"),
                Map.of("TF_CPP_MIN_LOG_LEVEL", "3", "MALLOC_ARENA_MAX", "2"),
                Probe.class,
                what,
                model.toString()));
    assertThat(result.exitCode()).as(result.output()).isZero();
    assertThat(result.output()).contains("left: 0 tensors, 0 leases, 0 contexts");
    Matcher grown = Pattern.compile("grown by (\\d+) KB").matcher(result.output());
    assertThat(grown.find()).as(result.output()).isTrue();
    return Long.parseLong(grown.group(1)) / 1024;
  }

  /** Does things often and prints by how much the process has grown meanwhile. */
  static final class Probe {
    private Probe() {}

    public static void main(String[] args) throws IOException {
      ModelReference model = ModelTest.reference(Path.of(args[1]));
      Runnable some =
          switch (args[0]) {
            case "batches" -> () -> run(model, 1000);
            case "loads" -> () -> load(model);
            default -> throw new IllegalArgumentException(args[0]);
          };
      int times = args[0].equals("loads") ? 100 : 40;
      repeat(some, times);
      long before = kilobytes();
      repeat(some, times);
      System.out.println("grown by " + Math.max(0, kilobytes() - before) + " KB of " + before);
      System.out.println(
          "left: %d tensors, %d leases, %d contexts"
              .formatted(NativeTensor.live(), ModelCache.liveLeases(), EagerContext.live()));
    }

    private static void repeat(Runnable some, int times) {
      for (int i = 0; i < times; i++) {
        some.run();
      }
    }

    private static ModelCache cache() {
      return new ModelCache(
          new ExecutorModelSettings(1, Long.MAX_VALUE, Duration.ofHours(1), Optional.empty()),
          new ModelLoader(Optional.empty())::load,
          System::nanoTime);
    }

    private static void run(ModelReference model, int times) {
      ModelCache cache = cache();
      try (ModelLease lease = cache.acquire(model, ModelTest.ONE_THREAD);
          EagerCall call = lease.newCall("serving_default", first(model))) {
        for (int i = 0; i < times; i++) {
          batch(call);
        }
      }
      cache.shutdown();
    }

    private static List<String> first(ModelReference model) {
      return List.of(
          SavedModelFile.read(Path.of(model.directory()))
              .graph(model.tags())
              .signature(Optional.empty())
              .outputs()
              .get(0)
              .name());
    }

    private static void batch(EagerCall call) {
      try (NativeTensor x = Tensors.floats(new float[64 * 8], 64, 8)) {
        Tensors.close(call.run(List.of(x)));
      }
    }

    /** A model that is damaged fails; both have to leave nothing behind. */
    private static void load(ModelReference model) {
      ModelCache cache = cache();
      try (ModelLease lease = cache.acquire(model, ModelTest.ONE_THREAD);
          EagerCall call = lease.newCall("serving_default", first(model));
          NativeTensor x =
              first(model).equals(List.of("value"))
                  ? Tensors.longs(new long[8], 8)
                  : Tensors.floats(new float[8], 8)) {
        Tensors.close(call.run(List.of(x)));
      } catch (TensorArrowException expected) {
        // The damaged one.
      }
      cache.shutdown();
    }

    private static long kilobytes() throws IOException {
      return Files.readAllLines(Path.of("/proc/self/status")).stream()
          .filter(line -> line.startsWith("VmRSS"))
          .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")))
          .findFirst()
          .orElseThrow();
    }
  }
}
