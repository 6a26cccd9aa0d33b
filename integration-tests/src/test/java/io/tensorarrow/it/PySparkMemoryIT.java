package io.tensorarrow.it;

import io.tensorarrow.it.Installation.Environment;
import org.junit.jupiter.api.Test;

/**
 * Memory that a JVM and its Python workers share, while they write to it and after they crash. The
 * JVMs are those of production: the checks depend on the order in which processes see changes.
 */
class PySparkMemoryIT {
  @Test
  void sharedMemoryStaysConsistentAndIsFreed() {
    Checks.pass(
        Checks.local("pyspark-memory", Environment.NEWEST, "it_inplace.py", "it_crash.py")
            .optimized());
  }
}
