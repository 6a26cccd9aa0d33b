package io.tensorarrow.spark.testing;

import io.delta.sql.DeltaSparkSessionExtension;
import java.io.IOException;
import java.nio.file.Path;
import org.apache.iceberg.spark.SparkCatalog;
import org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.delta.catalog.DeltaCatalog;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/**
 * Tests with Iceberg and Delta: a second session on the same Spark context, with the extensions of
 * both, an Iceberg catalog named {@code ice} that is empty for each test, and Delta's catalog as
 * the session catalog.
 */
public abstract class LakeTestBase extends SparkTestBase {
  private static final SparkSession LAKE = newSession();

  /** Holds the Iceberg tables of the test, and is free for other files. */
  @TempDir protected Path dir;

  private SparkSession session = LAKE;

  private static SparkSession newSession() {
    SparkSession plain = SparkTestBase.spark();
    SparkSession.clearDefaultSession();
    SparkSession.clearActiveSession();
    try {
      return SparkSession.builder()
          .withExtensions(
              extensions -> {
                new IcebergSparkSessionExtensions().apply(extensions);
                new DeltaSparkSessionExtension().apply(extensions);
                return scala.runtime.BoxedUnit.UNIT;
              })
          .config("spark.sql.catalog.spark_catalog", DeltaCatalog.class.getName())
          .getOrCreate();
    } finally {
      SparkSession.setDefaultSession(plain);
      SparkSession.setActiveSession(plain);
    }
  }

  /** Returns the session with both table formats; each test has its own. */
  protected SparkSession lake() {
    return session;
  }

  @BeforeEach
  void openCatalog() throws IOException {
    session = LAKE.newSession();
    session.conf().set("spark.sql.catalog.spark_catalog", DeltaCatalog.class.getName());
    session.conf().set("spark.sql.shuffle.partitions", 2);
    // Delta Lake reads its log in 50 partitions otherwise.
    session.conf().set("spark.databricks.delta.snapshotPartitions", 2);
    session.conf().set("spark.sql.session.timeZone", "UTC");
    session.conf().set("spark.sql.catalog.ice", SparkCatalog.class.getName());
    session.conf().set("spark.sql.catalog.ice.type", "hadoop");
    session.conf().set("spark.sql.catalog.ice.warehouse", dir.resolve("iceberg").toString());
    SparkSession.setActiveSession(session);
  }

  @AfterEach
  void closeCatalog() {
    SparkSession.setActiveSession(SparkTestBase.spark());
  }
}
