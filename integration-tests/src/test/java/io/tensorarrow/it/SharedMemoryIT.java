package io.tensorarrow.it;

import io.tensorarrow.it.Installation.Environment;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What becomes of batches where there is little or no shared memory. */
class SharedMemoryIT {
  /** What runs a program that sees mounts of its own, without any privilege. */
  private static final String[] PRIVATE_MOUNTS = {"unshare", "--mount", "--map-root-user"};

  private static final Environment ENVIRONMENT = Environment.NEWEST;

  @Test
  void batchesArriveWhateverTheRoom() {
    if (canMount()) {
      program("mounts").under(PRIVATE_MOUNTS).runsAndSays("OK it_shared_memory");
    } else {
      // Containers forbid it mostly.
      program("directories").runsAndSays("OK it_shared_memory");
    }
  }

  private static Program program(String way) {
    String jar = Installation.JAR.toString();
    String script = Installation.SCRIPTS.resolve("it_shared_memory.py").toString();
    return Program.sparkSubmit(
        "shared-memory",
        ENVIRONMENT,
        List.of("--master", "local[2]", "--jars", jar, "--py-files", jar, script, way));
  }

  private static boolean canMount() {
    String attempt = String.join(" ", PRIVATE_MOUNTS) + " mount -t tmpfs tmpfs /dev/shm";
    return Program.of("mounts", "sh", "-c", attempt).run().exitCode() == 0;
  }
}
