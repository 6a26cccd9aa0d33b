package io.tensorarrow.spark.model;

import static org.assertj.core.api.Assertions.assertThat;

import io.tensorarrow.spark.model.eager.EagerCall;
import io.tensorarrow.spark.tensor.DType;
import io.tensorarrow.spark.tensor.NativeTensor;
import io.tensorarrow.spark.testing.ChildJvm;
import io.tensorarrow.spark.testing.FailingModels;
import io.tensorarrow.spark.testing.Tensors;
import io.tensorarrow.spark.testing.TestModels;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * An executor is told to end, or ends by itself, while its tasks are in TensorFlow: it must not
 * crash.
 */
class ProcessEndTest {
  private static final int BY_SIGTERM = 143;

  @TempDir Path temp;

  @RepeatedTest(4)
  void processEndsOnSignal() throws Exception {
    Process process = start("serve");
    try (BufferedReader output =
        new BufferedReader(
            new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
      String line = output.readLine();
      while (line != null && !line.equals("running")) {
        line = output.readLine();
      }
      assertThat(line).isEqualTo("running");
      // The process itself would close the output too.
      process.toHandle().destroy();
      String rest = output.lines().collect(Collectors.joining("\n"));
      assertThat(process.waitFor()).as(rest).isEqualTo(BY_SIGTERM);
      assertThat(rest).doesNotContain("fatal error", "hs_err", "terminate called");
    }
  }

  @Test
  void processEndsWhileDaemonThreadsRunTensorFlow() throws Exception {
    ChildJvm.Result result = ChildJvm.finish(start("end"));
    assertThat(result.exitCode()).as(result.output()).isZero();
    assertThat(result.output()).contains("running").doesNotContain("fatal error", "hs_err");
  }

  private Process start(String how) throws IOException {
    return ChildJvm.start(
        List.of("-XX:ErrorFile=" + temp.resolve("hs_err"), "-XX:-CreateCoredumpOnCrash"),
        Map.of("TF_CPP_MIN_LOG_LEVEL", "3"),
        Probe.class,
        how,
        TestModels.mlp(temp).toString(),
        FailingModels.endless(temp).toString(),
        TestModels.heavy(temp).toString());
  }

  /** Runs, loads and closes models in several threads for ever. */
  static final class Probe {
    private static final ModelCache CACHE =
        new ModelCache(
            new ExecutorModelSettings(1, Long.MAX_VALUE, Duration.ofHours(1), Optional.empty()),
            new ModelLoader(Optional.empty())::load,
            System::nanoTime);

    private Probe() {}

    public static void main(String[] args) throws Exception {
      boolean serve = args[0].equals("serve");
      run(Path.of(args[1]), "probabilities", new float[64 * 8], 1, 64, 8);
      start(serve, () -> run(Path.of(args[1]), "probabilities", new float[64 * 8], -1, 64, 8));
      start(serve, () -> run(Path.of(args[2]), "y", new float[] {-1}, -1, 1));
      start(
          serve,
          () -> {
            while (true) {
              run(Path.of(args[3]), "y", new float[] {1}, 1, 1);
            }
          });
      start(
          serve,
          () -> {
            while (true) {
              NativeTensor.allocate(DType.STRING, 1000).close();
            }
          });
      Thread.sleep(300);
      System.out.println("running");
    }

    private static void start(boolean serve, Runnable body) {
      Thread thread = new Thread(body);
      thread.setDaemon(!serve);
      thread.start();
    }

    private static void run(
        Path directory, String output, float[] values, int times, long... dims) {
      try (ModelLease lease =
              CACHE.acquire(ModelTestBase.reference(directory), ModelTestBase.ONE_THREAD);
          EagerCall call = lease.newCall("serving_default", List.of(output));
          NativeTensor x = Tensors.floats(values, dims)) {
        for (int i = 0; i != times; i++) {
          Tensors.close(call.run(List.of(x)));
        }
      }
    }
  }
}
