package io.tensorarrow.spark.model.eager;

import static org.assertj.core.api.Assertions.assertThat;

import io.tensorarrow.spark.model.ExecutorModelSettings;
import io.tensorarrow.spark.model.ModelCache;
import io.tensorarrow.spark.model.ModelLease;
import io.tensorarrow.spark.model.ModelLoader;
import io.tensorarrow.spark.model.ModelTestBase;
import io.tensorarrow.spark.model.natives.NativeLibraries;
import io.tensorarrow.spark.testing.ChildJvm;
import io.tensorarrow.spark.testing.TestModels;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * How many threads TensorFlow makes, counted in processes of their own: one pool belongs to the
 * process.
 */
class ThreadsTest {
  @TempDir Path temp;

  @Test
  void firstModelSetsThreadsPerOperation() throws Exception {
    List<Integer> few = growth(Map.of(), "3,2 3,2");
    List<Integer> many = growth(Map.of(), "12,2 12,2");
    assertThat(many.get(0) - few.get(0)).isEqualTo(9);
    assertThat(growth(Map.of(), "3,2 12,2").get(1)).as("only operations' own").isEqualTo(2);
    assertThat(growth(Map.of("TF_OVERRIDE_GLOBAL_THREADPOOL", "1"), "3,2 12,2").get(1))
        .as("and a pool of its own, in which the caller takes part")
        .isBetween(2 + 11, 2 + 12);
  }

  @Test
  void eachModelAddsThreadsForConcurrentOperations() throws Exception {
    assertThat(growth(Map.of(), "2,3 2,3 2,7 2,7 2,3").subList(1, 5)).containsExactly(3, 7, 7, 3);
  }

  @Test
  void differentThreadCountOfLaterModelIsWarnedOf() throws Exception {
    assertThat(output(Map.of(), "3,2 3,2")).doesNotContain("WARN");
    assertThat(output(Map.of(), "3,2 12,2"))
        .contains("WARN EagerContext: Operations use 3 threads", "expected 12")
        .contains("TF_OVERRIDE_GLOBAL_THREADPOOL=1");
    assertThat(output(Map.of("TF_OVERRIDE_GLOBAL_THREADPOOL", "1"), "3,2 12,2"))
        .doesNotContain("WARN");
  }

  @Test
  void closedModelsLeaveNoThreads() throws Exception {
    List<Integer> growth = growth(Map.of(), "2,4 2,4 2,4");
    assertThat(growth.get(3)).as("after all were closed").isEqualTo(-12);
  }

  private List<Integer> growth(Map<String, String> environment, String settings) throws Exception {
    List<Integer> counts =
        output(environment, settings)
            .lines()
            .filter(line -> line.startsWith("threads "))
            .map(line -> Integer.valueOf(line.substring("threads ".length())))
            .toList();
    List<Integer> growth = new ArrayList<>();
    for (int i = 1; i < counts.size(); i++) {
      growth.add(counts.get(i) - counts.get(i - 1));
    }
    return growth;
  }

  private String output(Map<String, String> environment, String settings) throws Exception {
    List<String> args = new ArrayList<>();
    for (String each : settings.split(" ", -1)) {
      args.add(TestModels.scaleBy(temp.resolve("m" + args.size()), args.size()).toString());
      args.add(each);
    }
    ChildJvm.Result result =
        ChildJvm.finish(
            ChildJvm.start(List.of(), environment, Probe.class, args.toArray(String[]::new)));
    assertThat(result.exitCode()).as(result.output()).isZero();
    return result.output();
  }

  /** Loads models and prints how many threads that makes, the JVM's own aside. */
  static final class Probe {
    private Probe() {}

    public static void main(String[] args) throws Exception {
      ModelCache cache =
          new ModelCache(
              new ExecutorModelSettings(100, Long.MAX_VALUE, Duration.ofHours(1), Optional.empty()),
              new ModelLoader(Optional.empty())::load,
              System::nanoTime);
      NativeLibraries.ensureLoaded(Optional.empty());
      print();
      List<ModelLease> leases = new ArrayList<>();
      for (int i = 0; i < args.length; i += 2) {
        String[] settings = args[i + 1].split(",", -1);
        leases.add(
            cache.acquire(
                ModelTestBase.reference(Path.of(args[i])),
                new ModelSettings(Integer.parseInt(settings[0]), Integer.parseInt(settings[1]))));
        print();
      }
      leases.forEach(ModelLease::close);
      cache.shutdown();
      print();
    }

    /** Threads that TensorFlow starts have the name of the thread that started them. */
    private static void print() throws IOException {
      try (Stream<Path> tasks = Files.list(Path.of("/proc/self/task"))) {
        System.out.println("threads " + tasks.filter(Probe::isTensorFlows).count());
      }
    }

    private static boolean isTensorFlows(Path task) {
      try {
        return Files.readString(task.resolve("comm")).strip().equals("java");
      } catch (IOException e) {
        // It ended meanwhile.
        return false;
      }
    }
  }
}
