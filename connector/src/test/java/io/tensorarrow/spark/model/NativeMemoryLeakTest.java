package io.tensorarrow.spark.model;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.model.eager.EagerCall;
import io.tensorarrow.spark.model.eager.EagerContext;
import io.tensorarrow.spark.model.savedmodel.SavedModelFile;
import io.tensorarrow.spark.options.CastMode;
import io.tensorarrow.spark.tensor.NativeTensor;
import io.tensorarrow.spark.tensor.feed.ColumnFeeder;
import io.tensorarrow.spark.tensor.vector.RowSelection;
import io.tensorarrow.spark.testing.ChildJvm;
import io.tensorarrow.spark.testing.FailingModels;
import io.tensorarrow.spark.testing.Tensors;
import io.tensorarrow.spark.testing.TestModels;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.spark.sql.execution.vectorized.OnHeapColumnVector;
import org.apache.spark.sql.execution.vectorized.WritableColumnVector;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.vectorized.ColumnVector;
import org.bytedeco.javacpp.Pointer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * What no counter counts shows in the size of the process. It is measured in a process of its own,
 * whose heap does not grow, and after a warm-up as long as what is measured.
 */
class NativeMemoryLeakTest {
  private static final int CHOICES = 60;

  /** What a process repeats. */
  // The functions have no state.
  @SuppressWarnings("ImmutableEnumChecker")
  enum Activity {
    BATCHES(
        TestModels::mlp,
        20,
        model -> () -> Probe.run(model, 1000, Probe::batch),
        8,
        "less than 400 bytes for each of the second 20,000 batches"),
    BATCHES_OF_STRINGS(
        TestModels::strings,
        20,
        model -> () -> Probe.run(model, 1000, Probe::strings),
        8,
        "less than 400 bytes for each of the second 20,000 batches"),
    FAILED_BATCHES(
        FailingModels::failing,
        20,
        model -> () -> Probe.run(model, 500, Probe::failure),
        12,
        "TensorFlow keeps some 900 bytes of each call that fails;"
            + " of the second 10,000 batches less than 400 bytes each are the connector's"),
    CANCELLED_BATCHES(
        FailingModels::endless,
        20,
        model -> () -> Probe.kill(model),
        16,
        "threads and calls are given back"),
    BATCHES_THAT_LOSE_A_KILOBYTE(
        TestModels::mlp,
        20,
        model -> () -> Probe.run(model, 1000, Probe::lost),
        12,
        "at least this is seen of what 20,000 batches lose: the other bounds mean something"),
    LOADED_MODELS(
        TestModels::heavy,
        100,
        model -> () -> Probe.load(model),
        24,
        "a graph, function, constant or variable that stays takes a megabyte in each round"),
    DAMAGED_MODELS(
        NativeMemoryLeakTest::damaged,
        100,
        model -> () -> Probe.load(model),
        24,
        "what was loaded before the error was found is freed"),
    CHOICES_OF_OUTPUTS(
        parent -> TestModels.manyOutputs(parent, CHOICES),
        200,
        Probe::choices,
        16,
        "each way to choose and order outputs is a function of its own, of some 100 KB"),
    TABLES(
        TestModels::table,
        100,
        model -> () -> Probe.load(model),
        24,
        "tables end with their models");

    private final ModelWriter writer;
    private final int rounds;
    private final Function<ModelReference, Runnable> body;
    private final long boundMegabytes;
    private final String reason;

    Activity(
        ModelWriter writer,
        int rounds,
        Function<ModelReference, Runnable> body,
        long boundMegabytes,
        String reason) {
      this.writer = writer;
      this.rounds = rounds;
      this.body = body;
      this.boundMegabytes = boundMegabytes;
      this.reason = reason;
    }
  }

  /** Writes a model below a directory. */
  private interface ModelWriter {
    Path write(Path parent) throws IOException;
  }

  private static final Map<Activity, Future<ChildJvm.Result>> RESULTS =
      new EnumMap<>(Activity.class);

  private static final ExecutorService TWO = Executors.newFixedThreadPool(2);

  @TempDir static Path temp;

  /** Most of the time a process has one thread at work, so that two run at once. */
  @BeforeAll
  static void startProcesses() throws IOException {
    for (Activity activity : Activity.values()) {
      Path directory = Files.createDirectories(temp.resolve(activity.name()));
      Path model = activity.writer.write(directory);
      RESULTS.put(activity, TWO.submit(() -> runProbe(activity, model)));
    }
  }

  /** Also where not all tests ran: the models are deleted next. */
  @AfterAll
  static void awaitProcesses() throws InterruptedException {
    TWO.shutdown();
    assertThat(TWO.awaitTermination(5, TimeUnit.MINUTES)).isTrue();
  }

  private static Path damaged(Path parent) throws IOException {
    Path model = TestModels.heavy(parent);
    Path data = model.resolve("variables/variables.data-00000-of-00001");
    byte[] bytes = Files.readAllBytes(data);
    bytes[10] ^= 0x55;
    Files.write(data, bytes);
    return model;
  }

  private static ChildJvm.Result runProbe(Activity activity, Path model) throws Exception {
    return ChildJvm.finish(
        ChildJvm.start(
            List.of("-Xms256m", "-XX:+AlwaysPreTouch", "-XX:TieredStopAtLevel=1"),
            Map.of("TF_CPP_MIN_LOG_LEVEL", "3", "MALLOC_ARENA_MAX", "2"),
            Probe.class,
            activity.name(),
            model.toString()));
  }

  private static long grownMegabytes(Activity activity)
      throws InterruptedException, ExecutionException {
    ChildJvm.Result result = requireNonNull(RESULTS.get(activity)).get();
    assertThat(result.exitCode()).as(result.output()).isZero();
    assertThat(result.output()).contains("left: 0 tensors, 0 leases, 0 contexts");
    Matcher grown = Pattern.compile("grown by (\\d+) KB").matcher(result.output());
    assertThat(grown.find()).as(result.output()).isTrue();
    return Long.parseLong(grown.group(1)) / 1024;
  }

  @ParameterizedTest
  @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "BATCHES_THAT_LOSE_A_KILOBYTE")
  void repeatedActivityDoesNotGrowTheProcess(Activity activity) throws Exception {
    assertThat(grownMegabytes(activity)).as(activity.reason).isLessThan(activity.boundMegabytes);
  }

  @Test
  void oneKilobyteLeakPerBatchIsDetected() throws Exception {
    Activity activity = Activity.BATCHES_THAT_LOSE_A_KILOBYTE;

    assertThat(grownMegabytes(activity)).as(activity.reason).isGreaterThan(activity.boundMegabytes);
  }

  /** Repeats an activity and prints by how much the process has grown meanwhile. */
  static final class Probe {
    private static final ModelCache KEPT = cache();

    private static final ExecutorService POOL =
        Executors.newCachedThreadPool(
            task -> {
              Thread thread = new Thread(task);
              thread.setDaemon(true);
              return thread;
            });

    private static final ColumnVector TEXTS = texts();

    private Probe() {}

    private static ColumnVector texts() {
      WritableColumnVector texts = new OnHeapColumnVector(2, DataTypes.StringType);
      texts.putByteArray(0, "short".getBytes(StandardCharsets.UTF_8));
      texts.putByteArray(
          1, "too long for the 24 bytes of a string ".repeat(20).getBytes(StandardCharsets.UTF_8));
      return texts;
    }

    public static void main(String[] args) throws IOException {
      ModelReference model = ModelTestBase.reference(Path.of(args[1]));
      Activity activity = Activity.valueOf(args[0]);
      Runnable body = activity.body.apply(model);
      repeat(body, activity.rounds);
      long before = kilobytes();
      repeat(body, activity.rounds);
      long after = kilobytes();
      KEPT.shutdown();
      System.out.println("grown by " + Math.max(0, after - before) + " KB of " + before);
      System.out.println(
          "left: %d tensors, %d leases, %d contexts"
              .formatted(NativeTensor.live(), ModelCache.liveLeases(), EagerContext.live()));
    }

    private static void repeat(Runnable body, int times) {
      for (int i = 0; i < times; i++) {
        body.run();
      }
    }

    private static ModelCache cache() {
      return new ModelCache(
          new ExecutorModelSettings(1, Long.MAX_VALUE, Duration.ofHours(1), Optional.empty()),
          new ModelLoader(Optional.empty())::load,
          System::nanoTime);
    }

    private static void run(ModelReference model, int times, Consumer<EagerCall> batch) {
      ModelCache cache = cache();
      try (ModelLease lease = cache.acquire(model, ModelTestBase.ONE_THREAD);
          EagerCall call = lease.newCall("serving_default", first(model))) {
        for (int i = 0; i < times; i++) {
          batch.accept(call);
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

    /** Chooses other outputs each time, while the model stays loaded. */
    private static Runnable choices(ModelReference model) {
      List<String> names = new ArrayList<>();
      for (int i = 0; i < CHOICES; i++) {
        names.add("y" + i);
      }
      Random random = new Random(7);
      return () -> {
        Collections.shuffle(names, random);
        try (ModelLease lease = KEPT.acquire(model, ModelTestBase.ONE_THREAD);
            EagerCall call = lease.newCall("serving_default", names);
            NativeTensor x = Tensors.floats(new float[] {1}, 1)) {
          Tensors.close(call.run(List.of(x)));
        }
        if (KEPT.loads() != 1) {
          throw new IllegalStateException("loaded again");
        }
      };
    }

    private static void lost(EagerCall call) {
      batch(call);
      Pointer unused = Pointer.malloc(1024);
      Pointer.memset(unused, 1, 1024);
    }

    private static void strings(EagerCall call) {
      ColumnFeeder feeder =
          ColumnFeeder.create(
              call.feeds().get(0), "text", DataTypes.StringType, CastMode.SAME_KIND);
      try (NativeTensor text = feeder.feed(TEXTS, RowSelection.range(0, 2))) {
        Tensors.close(call.run(List.of(text)));
      }
    }

    private static void failure(EagerCall call) {
      try (NativeTensor x = Tensors.ints(new int[64], 64)) {
        Tensors.close(call.run(List.of(x)));
        throw new AssertionError("no failure");
      } catch (TensorArrowException expected) {
        // A division by zero.
      }
    }

    /** Most of the calls are killed when they begin, some in TensorFlow's loop. */
    private static void kill(ModelReference model) {
      ModelCache cache = cache();
      try (ModelLease keep = cache.acquire(model, ModelTestBase.ONE_THREAD)) {
        List<CompletableFuture<Void>> all = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
          all.add(CompletableFuture.runAsync(() -> killed(cache, model), POOL));
        }
        all.forEach(CompletableFuture::join);
        assertThat(keep.loadNanos()).isPositive();
      }
      cache.shutdown();
    }

    private static void killed(ModelCache cache, ModelReference model) {
      AtomicBoolean killed = new AtomicBoolean();
      try (ModelLease lease = cache.acquire(model, ModelTestBase.ONE_THREAD, killed::get);
          EagerCall call = lease.newCall("serving_default", first(model));
          NativeTensor x = Tensors.floats(new float[] {-1}, 1)) {
        killed.set(true);
        Tensors.close(call.run(List.of(x)));
        throw new AssertionError("not killed");
      } catch (CancellationException expected) {
        // By the watchdog.
      }
    }

    /** A model that is damaged fails; both have to leave nothing behind. */
    private static void load(ModelReference model) {
      ModelCache cache = cache();
      try (ModelLease lease = cache.acquire(model, ModelTestBase.ONE_THREAD);
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
