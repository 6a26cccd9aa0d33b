package io.tensorarrow.it;

import io.tensorarrow.it.Installation.Environment;
import org.junit.jupiter.api.Test;

/** Data that Spark reads in version 1, from a session with tables of Hive. */
class PySparkSourcesIT {
  @Test
  void modelsRunOverFilesDatabasesAndTables() {
    Checks.pass(Checks.local("pyspark-sources", Environment.NEWEST, "it_sources.py"));
  }
}
