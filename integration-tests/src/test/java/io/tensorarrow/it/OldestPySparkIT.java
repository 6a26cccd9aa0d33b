package io.tensorarrow.it;

import io.tensorarrow.it.Installation.Environment;
import org.junit.jupiter.api.Test;

/** What depends on the versions of NumPy, pandas and pyarrow in PySpark, with the oldest ones. */
class OldestPySparkIT {
  @Test
  void checksOfPackagesPassWithTheOldestPackages() {
    Checks.pass(
        Checks.local(
            "pyspark-oldest",
            Environment.OLDEST,
            "it_variables.py",
            "it_features.py",
            "it_errors.py",
            "it_handover.py",
            "it_replies.py",
            "it_inplace.py",
            "it_arrays.py",
            "it_scalar.py",
            "-m",
            "packages"));
  }
}
