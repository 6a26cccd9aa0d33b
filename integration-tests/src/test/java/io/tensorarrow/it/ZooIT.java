package io.tensorarrow.it;

import io.tensorarrow.it.Installation.Environment;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/** Models of many makers, against what Python TensorFlow recorded; see {@code make_zoo.py}. */
@Execution(ExecutionMode.CONCURRENT)
class ZooIT {
  @Test
  void givesTheRecordedBitsWithTheKernelsOfTheRecording() {
    run("recorded", Map.of("TF_ENABLE_ONEDNN_OPTS", "0", "ONEDNN_MAX_CPU_ISA", "AVX2"));
  }

  @Test
  void isCloseToTheRecordingWithOtherKernelsAndBatches() {
    run("default", Map.of());
  }

  private static void run(String mode, Map<String, String> environment) {
    String jar = Installation.JAR.toString();
    String script = Installation.SCRIPTS.resolve("it_zoo.py").toString();
    List<String> arguments =
        List.of("--master", "local[2]", "--jars", jar, "--py-files", jar, script, mode);
    Program.sparkSubmit("zoo-" + mode, Environment.NEWEST, arguments)
        .with(environment)
        .runsAndSays("OK it_zoo");
  }
}
