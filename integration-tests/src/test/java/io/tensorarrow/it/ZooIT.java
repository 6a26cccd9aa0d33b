package io.tensorarrow.it;

import io.tensorarrow.it.Installation.Environment;
import java.util.Map;
import org.junit.jupiter.api.Test;

/**
 * Models of many makers, against what Python TensorFlow recorded with the same kernels; see {@code
 * make_zoo.py}. {@link PySparkIT} runs the same checks with the kernels of this machine.
 */
class ZooIT {
  @Test
  void recordedKernelsGiveRecordedBits() {
    Checks.pass(
        Checks.local("zoo", Environment.NEWEST, "it_zoo.py", "-m", "kernels")
            .with(
                Map.of(
                    "IT_KERNELS",
                    "recorded",
                    "TF_ENABLE_ONEDNN_OPTS",
                    "0",
                    "ONEDNN_MAX_CPU_ISA",
                    "AVX2")));
  }
}
