package io.tensorarrow.it;

import io.tensorarrow.it.Installation.Environment;
import org.junit.jupiter.api.Test;

/**
 * What PySpark users do, in PySpark itself: checks that share one session. {@link
 * PySparkFunctionsIT}, {@link PySparkMemoryIT} and {@link OldestPySparkIT} have the others; each is
 * a class of its own, so that the build runs several at a time.
 */
class PySparkIT {
  @Test
  void checksPassInOneSession() {
    Checks.pass(
        Checks.local(
            "pyspark-session",
            Environment.NEWEST,
            // The first two before any check that loads TensorFlow.
            "it_variables.py",
            "it_elision.py",
            "it_queries.py",
            "it_predict.py",
            "it_features.py",
            "it_errors.py",
            "it_handover.py",
            "it_replies.py",
            "it_reasons.py",
            "it_arrays.py",
            "it_zoo.py",
            "it_reads.py"));
  }
}
