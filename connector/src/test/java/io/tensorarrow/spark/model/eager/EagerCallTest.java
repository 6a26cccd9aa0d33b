package io.tensorarrow.spark.model.eager;

import static io.tensorarrow.spark.testing.Tensors.close;
import static io.tensorarrow.spark.testing.Tensors.dims;
import static io.tensorarrow.spark.testing.Tensors.doubles;
import static io.tensorarrow.spark.testing.Tensors.floats;
import static io.tensorarrow.spark.testing.Tensors.ints;
import static io.tensorarrow.spark.testing.Tensors.longs;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.sun.management.ThreadMXBean;
import io.tensorarrow.spark.model.ModelLease;
import io.tensorarrow.spark.tensor.NativeTensor;
import io.tensorarrow.spark.tensor.TensorSpec;
import io.tensorarrow.spark.testing.BatchModels;
import io.tensorarrow.spark.testing.Tensors;
import io.tensorarrow.spark.testing.TestModels;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.bytedeco.javacpp.Pointer;
import org.junit.jupiter.api.Test;

class EagerCallTest extends EagerCallTestBase {
  @Test
  void callComputesGraph() {
    try (ModelLease lease = lease(TestModels.scale(temp));
        EagerCall call = lease.newCall(SERVING, List.of("y"))) {
      List<NativeTensor> y = run(call, floats(new float[] {1, 2.5f, -3}, 3));
      assertThat(floats(y.get(0))).containsExactly(2, 5, -6);
      assertThat(dims(y.get(0))).containsExactly(3L);
      close(y);
    }
  }

  @Test
  void variablesAreRestored() {
    float[] row = {1, -2, 3, -4, 5, -6, 7, -8};
    float[] other = {0.5f, 0, 0, 1, 0, 0, 2, 0};
    float[] both = new float[16];
    System.arraycopy(row, 0, both, 0, 8);
    System.arraycopy(other, 0, both, 8, 8);
    try (ModelLease lease = lease(TestModels.mlp(temp));
        EagerCall call = lease.newCall(SERVING, List.of("probabilities"))) {
      List<NativeTensor> result = run(call, floats(both, 2, 8));
      float[] actual = floats(result.get(0));
      for (int i = 0; i < 3; i++) {
        assertThat(actual[i]).isCloseTo(TestModels.mlpOf(row)[i], within(1e-5f));
        assertThat(actual[3 + i]).isCloseTo(TestModels.mlpOf(other)[i], within(1e-5f));
      }
      close(result);
    }
  }

  @Test
  void functionsReadVariables() {
    try (ModelLease lease = lease(TestModels.function(temp));
        EagerCall call = lease.newCall(SERVING, List.of("y"))) {
      List<NativeTensor> y = run(call, floats(new float[] {1, 2}, 2));
      assertThat(floats(y.get(0))).containsExactly(3, 6);
      close(y);
    }
  }

  @Test
  void tablesAreFilledFromAssets() {
    try (ModelLease lease = lease(TestModels.table(temp));
        EagerCall call = lease.newCall(SERVING, List.of("value"))) {
      List<NativeTensor> value = run(call, longs(new long[] {2, 0, 7}, 3));
      assertThat(longs(value.get(0))).containsExactly(30, 10, -1);
      close(value);
    }
  }

  @Test
  void allDtypesAndRanksAreFedAndFetched() {
    try (ModelLease lease = lease(TestModels.kinds(temp));
        EagerCall call =
            lease.newCall(
                SERVING,
                List.of(
                    "l_single", "i_next", "f_grid", "f_sum", "d_half", "l_negative", "f_open"))) {
      assertThat(call.feeds()).extracting(TensorSpec::name).containsExactly("d", "f", "i", "l");
      assertThat(call.fetches())
          .extracting(TensorSpec::name)
          .containsExactly(
              "l_single", "i_next", "f_grid", "f_sum", "d_half", "l_negative", "f_open");
      List<NativeTensor> results =
          run(
              call,
              doubles(new double[] {1, 3}, 2),
              floats(new float[] {1, 2, 3, 4, 5, 6, 7, 8}, 2, 4),
              ints(new int[] {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, 2, 2, 3),
              longs(new long[] {1L << 40, -5}, 2));
      assertThat(longs(results.get(0))).containsExactly(1L << 40, -5);
      assertThat(dims(results.get(0))).containsExactly(2L, 1L);
      assertThat(ints(results.get(1))).containsExactly(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12);
      assertThat(dims(results.get(1))).containsExactly(2L, 2L, 3L);
      assertThat(floats(results.get(2))).containsExactly(1, 2, 3, 4, 5, 6, 7, 8);
      assertThat(dims(results.get(2))).containsExactly(2L, 2L, 2L);
      assertThat(floats(results.get(3))).containsExactly(10, 26);
      assertThat(doubles(results.get(4))).containsExactly(0.5, 1.5);
      assertThat(longs(results.get(5))).containsExactly(-(1L << 40), 5);
      assertThat(dims(results.get(6))).containsExactly(2L, 4L);
      close(results);
    }
  }

  @Test
  void emptyBatchGivesEmptyOutput() {
    try (ModelLease lease = lease(TestModels.mlp(temp));
        EagerCall call = lease.newCall(SERVING, List.of("probabilities"))) {
      List<NativeTensor> result = run(call, floats(new float[0], 0, 8));
      assertThat(dims(result.get(0))).containsExactly(0L, 3L);
      close(result);
    }
  }

  @Test
  void eachSignatureCanBeCalled() {
    try (ModelLease lease = lease(TestModels.twoSignatures(temp));
        EagerCall twice = lease.newCall("double", List.of("y"));
        EagerCall half = lease.newCall("half", List.of("y"))) {
      List<NativeTensor> doubled = run(twice, floats(new float[] {8}, 1));
      List<NativeTensor> halved = run(half, floats(new float[] {8}, 1));
      assertThat(floats(doubled.get(0))).containsExactly(16);
      assertThat(floats(halved.get(0))).containsExactly(4);
      close(doubled);
      close(halved);
    }
  }

  @Test
  void outputThatIsAnInputOutlivesItsFeed() {
    ModelLease lease = lease(BatchModels.notBatched(temp));
    EagerCall call = lease.newCall(SERVING, List.of("anything", "total", "three"));
    List<NativeTensor> results = run(call, floats(new float[] {1, 2, 4}, 3));
    call.close();
    lease.close();
    assertThat(floats(results.get(0))).containsExactly(1, 2, 4);
    assertThat(floats(results.get(1))).containsExactly(7);
    assertThat(dims(results.get(1))).isEmpty();
    assertThat(ints(results.get(2))).containsExactly(1, 2, 3);
    close(results);
  }

  @Test
  void feedsAreNeitherChangedNorKept() {
    try (ModelLease lease = lease(TestModels.scale(temp));
        EagerCall call = lease.newCall(SERVING, List.of("y"));
        NativeTensor x = floats(new float[] {1, 2}, 2)) {
      close(call.run(List.of(x)));
      close(call.run(List.of(x)));
      assertThat(floats(x)).containsExactly(1, 2);
    }
  }

  @Test
  void resultsAreAlignedForVectorInstructions() {
    try (ModelLease lease = lease(TestModels.scale(temp));
        EagerCall call = lease.newCall(SERVING, List.of("y"));
        NativeTensor x = floats(new float[1000], 1000)) {
      List<NativeTensor> y = call.run(List.of(x));
      assertThat(Tensors.address(x) % 64).isZero();
      assertThat(Tensors.address(y.get(0)) % 64).isZero();
      close(y);
    }
  }

  @Test
  void onlyFetchedOutputsAreComputed() {
    Path model = BatchModels.notBatched(temp);
    try (ModelLease lease = lease(model);
        EagerCall call = lease.newCall(SERVING, List.of("three"))) {
      // The other outputs could not be computed from this feed: its sum has no first axis.
      List<NativeTensor> results = run(call, floats(new float[] {1}));
      assertThat(ints(results.get(0))).containsExactly(1, 2, 3);
      close(results);
    }
  }

  @Test
  void thousandsOfCallsLeaveNoTensors() {
    try (ModelLease lease = lease(TestModels.mlp(temp));
        EagerCall call = lease.newCall(SERVING, List.of("probabilities"))) {
      long before = NativeTensor.live();
      for (int i = 0; i < 2000; i++) {
        close(run(call, floats(new float[64 * 8], 64, 8)));
        assertThat(NativeTensor.live()).isEqualTo(before);
      }
    }
  }

  /**
   * Garbage of a call is a few short-lived objects: no copies, and nothing for a collector to free.
   */
  @Test
  void callsLeaveLittleGarbage() {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    try (ModelLease lease = lease(TestModels.mlp(temp));
        EagerCall call = lease.newCall(SERVING, List.of("probabilities"));
        NativeTensor x = floats(new float[1024 * 8], 1024, 8)) {
      long finalizable = Pointer.totalCount();
      for (int i = 0; i < 1000; i++) {
        close(call.run(List.of(x)));
      }
      long before = threads.getCurrentThreadAllocatedBytes();
      for (int i = 0; i < 1000; i++) {
        close(call.run(List.of(x)));
      }
      long perCall = (threads.getCurrentThreadAllocatedBytes() - before) / 1000;
      assertThat(perCall).as("bytes of Java objects per call").isLessThan(4096);
      assertThat(Pointer.totalCount()).as("objects with deallocators").isEqualTo(finalizable);
    }
  }

  /** Functions that nobody uses are freed when there are many; those in use and new ones run on. */
  @Test
  void moreOutputChoicesThanCachedFunctionsWork() {
    try (ModelLease lease = lease(TestModels.manyOutputs(temp, 100));
        EagerCall used = lease.newCall(SERVING, List.of("y99"))) {
      for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 60; i++) {
          List<String> outputs = List.of("y" + i, "y" + (i + 1));
          try (EagerCall call = lease.newCall(SERVING, outputs);
              EagerCall same = lease.newCall(SERVING, outputs)) {
            for (EagerCall each : List.of(call, same, used)) {
              List<NativeTensor> y = run(each, floats(new float[] {i}, 1));
              assertThat(floats(y.get(0))).containsExactly(2f * i);
              close(y);
            }
          }
        }
      }
    }
  }

  @Test
  void concurrentThreadsShareOneModel() throws Exception {
    int threads = 4;
    ExecutorService pool = Executors.newFixedThreadPool(threads);
    try (ModelLease lease = lease(TestModels.function(temp))) {
      List<Future<?>> done = new ArrayList<>();
      for (int t = 0; t < threads; t++) {
        float factor = t + 1;
        done.add(pool.submit(() -> callOften(lease, factor)));
      }
      for (Future<?> each : done) {
        each.get(60, TimeUnit.SECONDS);
      }
    } finally {
      pool.shutdownNow();
    }
  }

  private static void callOften(ModelLease lease, float value) {
    try (EagerCall call = lease.newCall(SERVING, List.of("y"))) {
      for (int i = 0; i < 500; i++) {
        List<NativeTensor> y = run(call, floats(new float[] {value, i}, 2));
        assertThat(floats(y.get(0))).containsExactly(3 * value, 3f * i);
        close(y);
      }
    }
  }
}
