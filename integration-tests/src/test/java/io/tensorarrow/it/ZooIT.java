package io.tensorarrow.it;

import io.tensorarrow.it.Installation.Environment;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Models of many makers, against what Python TensorFlow recorded; see {@code make_zoo.py}. */
class ZooIT {
  /** How the models run; the script knows what may be expected of each way. */
  enum Mode {
    /** Kernels and batches as in the recording. */
    RECORDED(Map.of("TF_ENABLE_ONEDNN_OPTS", "0", "ONEDNN_MAX_CPU_ISA", "AVX2")),
    /** Kernels as users have them, other batches. */
    DEFAULT(Map.of());

    private final Map<String, String> environment;

    Mode(Map<String, String> environment) {
      this.environment = environment;
    }
  }

  @ParameterizedTest
  @EnumSource
  void givesTheRecordedNumbersOrAReason(Mode mode) {
    String name = mode.toString().toLowerCase(Locale.ROOT);
    String jar = Installation.JAR.toString();
    List<String> arguments =
        List.of(
            "--master",
            "local[2]",
            "--jars",
            jar,
            "--py-files",
            jar,
            Installation.SCRIPTS.resolve("it_zoo.py").toString(),
            name);
    Program.sparkSubmit("zoo-" + name, Environment.NEWEST, arguments)
        .with(mode.environment)
        .runsAndSays("OK it_zoo");
  }
}
