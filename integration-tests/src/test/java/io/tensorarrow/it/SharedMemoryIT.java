package io.tensorarrow.it;

import io.tensorarrow.it.Installation.Environment;
import org.junit.jupiter.api.Test;

/** What becomes of batches where there is little or no shared memory. */
class SharedMemoryIT {
  /** What runs a program that sees mounts of its own, without any privilege. */
  private static final String[] PRIVATE_MOUNTS = {"unshare", "--mount", "--map-root-user"};

  private static final Environment ENVIRONMENT = Environment.NEWEST;

  @Test
  void batchesArriveWithLittleOrNoSharedMemory() {
    if (canMount()) {
      Checks.pass(program("not no_mounts").under(PRIVATE_MOUNTS));
    } else {
      // Containers forbid it mostly.
      Checks.pass(program("not mounts"));
    }
  }

  private static Program program(String selection) {
    return Checks.local("shared-memory", ENVIRONMENT, "it_shared_memory.py", "-m", selection);
  }

  private static boolean canMount() {
    String attempt = String.join(" ", PRIVATE_MOUNTS) + " mount -t tmpfs tmpfs /dev/shm";
    return Program.of("mounts", "sh", "-c", attempt).run().exitCode() == 0;
  }
}
