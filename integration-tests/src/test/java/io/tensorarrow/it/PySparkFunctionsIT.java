package io.tensorarrow.it;

import io.tensorarrow.it.Installation.Environment;
import org.junit.jupiter.api.Test;

/** Python functions return what they return in Spark's own nodes, also in random queries. */
class PySparkFunctionsIT {
  @Test
  void functionsReturnWhatSparksOwnNodesReturn() {
    Checks.pass(
        Checks.local(
            "pyspark-functions",
            Environment.NEWEST,
            "it_scalar.py",
            "it_promises.py",
            "it_differential.py"));
  }
}
